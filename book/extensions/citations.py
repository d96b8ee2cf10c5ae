"""How a source is named in a sentence: "Sutton & Barto (2018)"."""

from __future__ import annotations

from pybtex.database import Entry, Person
from pybtex.richtext import Text


def last_name(person: Person) -> str:
    """The name that is cited, without the braces and accents of BibTeX."""
    return str(Text.from_latex(" ".join(person.prelast_names + person.last_names))) or str(
        Text.from_latex(" ".join(person.first_names))
    )


def authors_and_year(entry: Entry, ampersand: str = " and ") -> tuple[str, str]:
    """Who wrote it, three or more as "et al.", and when."""
    people = entry.persons.get("author", entry.persons.get("editor", []))
    names = [last_name(person) for person in people]
    who = f"{names[0]} et al." if len(names) > 2 else ampersand.join(names)
    return who, entry.fields["year"]
