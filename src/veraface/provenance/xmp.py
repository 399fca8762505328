"""XMP packets (ISO 16684-1), read in one pass without building a tree, and without entities."""

from typing import Any
from xml.parsers import expat

from veraface.provenance.claims import Action, XmpFacts
from veraface.provenance.texts import MAX_ENTRIES, MAX_PROMPT, clean, source_type

_MAX_BYTES = 2**20
_MAX_ELEMENTS = 20_000
_MAX_DEPTH = 64

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_XMP = "http://ns.adobe.com/xap/1.0/ "
_MEDIA = "http://ns.adobe.com/xap/1.0/mm/ "
_EVENT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent# "
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ "
_REMOTE = "http://purl.org/dc/terms/ provenance"  # C2PA 2.1, 11.5: where a manifest lies outside the file


class XmpError(ValueError):
    """The packet is damaged or goes beyond the bounds."""


def read_xmp(packet: bytes) -> tuple[XmpFacts | None, str | None]:
    """What a packet says of the image itself, and where it says that a C2PA manifest lies.

    Raises:
        XmpError: it is damaged, or larger than any real one.
    """
    packet = packet.rstrip(b"\0 \r\n\t")
    if len(packet) > _MAX_BYTES:
        raise XmpError("larger than any real one")
    reader = _Reader()
    try:
        reader.parse(packet)
    except (expat.ExpatError, ValueError) as error:
        raise XmpError("damaged") from error
    said = reader.properties
    history = tuple(action for event in reader.events if (action := _action(event)))
    facts = XmpFacts(
        creator_tool=clean(said.get(_XMP + "CreatorTool")),
        credit=clean(said.get("http://ns.adobe.com/photoshop/1.0/ Credit")),
        created=clean(said.get(_XMP + "CreateDate")),
        modified=clean(said.get(_XMP + "ModifyDate")),
        source_type=source_type(said.get(_IPTC + "DigitalSourceType")),
        ai_system=clean(said.get(_IPTC + "AISystemUsed")),
        ai_prompt=clean(said.get(_IPTC + "AIPromptInformation"), MAX_PROMPT),
        history=history,
    )
    return (None if facts == XmpFacts() else facts), clean(said.get(_REMOTE))


def _action(event: dict[str, str]) -> Action | None:
    name = clean(event.get("action"))
    if name is None:
        return None
    what = event.get("parameters") or event.get("changed")
    return Action(name, clean(event.get("softwareAgent")), clean(event.get("when")), None, clean(what))


class _Reader:
    """Collects the properties of the image: those of the outermost description, not of its ingredients."""

    def __init__(self) -> None:
        self.properties: dict[str, str] = {}
        self.events: list[dict[str, str]] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self._characters = self._elements = 0
        self._root = -1  # where rdf:RDF stands
        self._about: str | None = None  # what the first description is of: the image
        self._foreign = False  # whether we are in a description of something else

    def parse(self, packet: bytes) -> None:
        parser = expat.ParserCreate("utf-8", namespace_separator=" ")  # as in files, whatever it says
        parser.StartDoctypeDeclHandler = self._refuse  # so there are no entities either
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.Parse(packet, True)

    def _refuse(self, *_: Any) -> None:
        raise ValueError("a packet has no document type")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._open.append(name)
        if self._elements > _MAX_ELEMENTS or len(self._open) > _MAX_DEPTH:
            raise ValueError("more elements than any real packet has")
        self._text, self._characters = [], 0
        if self._root < 0 and name == _RDF + "RDF" and len(self._open) <= 2:
            self._root = len(self._open) - 1
        if len(self._open) - 2 == self._root >= 0:
            about = attributes.get(_RDF + "about", "")
            self._about = about if self._about is None else self._about
            self._foreign = about != self._about  # ISO 16684-1, 7.4: all of a packet are of one thing
        level = self._level()
        if level == 1 and name == _RDF + "Description":
            for attribute, value in attributes.items():
                self.properties.setdefault(attribute, value)
        elif level == 2 and _RDF + "resource" in attributes:
            self.properties.setdefault(name, attributes[_RDF + "resource"])
        elif self._in_history():
            if level == 4 and len(self.events) <= MAX_ENTRIES:
                self.events.append({})
            for attribute, value in attributes.items():
                self._tell_event(attribute, value)

    def _end(self, name: str) -> None:
        text, level = "".join(self._text).strip(), self._level()
        self._text, self._characters = [], 0
        if text and level == 2:
            self.properties.setdefault(name, text)
        elif text and level == 4 and name == _RDF + "li":
            self.properties.setdefault(self._open[self._root + 2], text)
        elif text and self._in_history():
            self._tell_event(name, text)
        self._open.pop()

    def _data(self, text: str) -> None:
        if self._characters < 4 * MAX_PROMPT:
            self._text.append(text)
            self._characters += len(text)

    def _level(self) -> int:
        """How deep in rdf:RDF we are: 1 in a description, 2 in a property, 4 in an item of its list."""
        inside = self._root >= 0 and self._open[self._root + 1 : self._root + 2] == [_RDF + "Description"]
        return len(self._open) - 1 - self._root if inside and not self._foreign else -1

    def _in_history(self) -> bool:
        return self._level() >= 4 and self._open[self._root + 2] == _MEDIA + "History"

    def _tell_event(self, name: str, text: str) -> None:
        if name.startswith(_EVENT) and self.events and len(self.events) <= MAX_ENTRIES:
            self.events[-1].setdefault(name.removeprefix(_EVENT), text)
