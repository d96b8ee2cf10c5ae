"""`python -m grader` is the `grader` program."""

from grader.cli import main

if __name__ == "__main__":
    main()
