"""Grade on Slurm: every worker is a job of its own, asked for through dask-jobqueue.

Copy this file beside nbgrader_config.py, put your partition and account into `make_cluster`, and
run it on a node from which jobs can be submitted and which they can reach:

    python slurm.py dynamic-programming --jobs 20

Jobs that wait in the queue join when they start; grading begins with the first. Ctrl-C cancels
the jobs and keeps what is graded, and the same command grades the rest.
"""

from __future__ import annotations

import argparse

import dask
from dask_jobqueue.slurm import SLURMCluster

from grader.course import Course
from grader.farm import GradeRun, grade

HOURS = 2
SETTINGS = {
    # one submission a worker: blame it at once for the worker's death, and try it again ourselves
    "distributed.scheduler.allowed-failures": 0,
    # jobs may wait in the queue for as long as they may run
    "distributed.scheduler.no-workers-timeout": f"{HOURS}h",
}


def make_cluster(*, gpu: bool = False, memory: str = "4GB") -> SLURMCluster:
    """A scheduler in this process, and jobs with one worker each.

    Args:
        gpu: give every job a graphics card.
        memory: of a job; more than `c.Grader.memory`, for the grader itself.
    """
    card = ["--resources", "GPU=1"] if gpu else []
    return SLURMCluster(
        queue=None,  # your partition
        account=None,  # your account
        job_name="grade",
        cores=1,
        processes=1,
        memory=memory,
        walltime=f"{HOURS:02}:00:00",
        job_extra_directives=["--gres=gpu:1"] if gpu else [],
        worker_extra_args=["--preload", "grader.farm.worker", "--memory-limit", "0", *card],
        # any free port: another program of this machine may have the usual one
        scheduler_options={"dashboard": False, "dashboard_address": ":0"},
    )


def main(arguments: list[str] | None = None) -> GradeRun:
    """Ask for workers, grade on them, and cancel their jobs."""
    parser = argparse.ArgumentParser(description="Grade an assignment on Slurm.")
    parser.add_argument("assignment")
    parser.add_argument("--jobs", type=int, default=10, help="jobs to ask for")
    parser.add_argument("--gpu", action="store_true", help="a graphics card for every job")
    chosen = parser.parse_args(arguments)
    with dask.config.set(SETTINGS), make_cluster(gpu=chosen.gpu) as cluster:
        cluster.scale(jobs=chosen.jobs)
        run = grade(
            Course("."),
            chosen.assignment,
            scheduler=cluster.scheduler_address,
            device="cuda" if chosen.gpu else None,
        )
        print(f"{run.graded} graded now, {run.kept} kept from before.")
        return run


if __name__ == "__main__":
    main()
