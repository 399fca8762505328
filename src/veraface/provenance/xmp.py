"""XMP packets (ISO 16684-1)."""

from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder  # nosec B405 - the parser is defusedxml

from defusedxml.ElementTree import DefusedXMLParser

from veraface.provenance.claims import Action, XmpFacts
from veraface.provenance.texts import MAX_ENTRIES, MAX_PROMPT, clean_text, source_type_name

_MAX_BYTES = 2**20
_MAX_ELEMENTS = 20_000
_MAX_DEPTH = 64

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_EVENT = "{http://ns.adobe.com/xap/1.0/sType/ResourceEvent#}"
_IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_HISTORY = "{http://ns.adobe.com/xap/1.0/mm/}History"
_CREDIT = "{http://ns.adobe.com/photoshop/1.0/}Credit"
_REMOTE = "{http://purl.org/dc/terms/}provenance"  # C2PA 2.1, 11.5: where a manifest outside the file lies


def read_xmp(packet: bytes) -> tuple[XmpFacts | None, str | None]:
    """Return what a packet states about the image itself, and the address of a C2PA manifest it names.

    Raises `ValueError` if the packet is damaged, larger than any real one, or has a document type.
    """
    packet = packet.rstrip(b"\0 \r\n\t")
    if len(packet) > _MAX_BYTES:
        raise ValueError("larger than any real one")
    # UTF-8 whatever the packet declares, as in all files; no document type, so no entities either.
    parser = DefusedXMLParser(target=_LimitedBuilder(), encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(packet)
        properties, events = _read_tree(parser.close())
    except ParseError as error:
        raise ValueError("damaged") from error
    facts = XmpFacts(
        creator_tool=clean_text(properties.get(_XMP + "CreatorTool")),
        credit=clean_text(properties.get(_CREDIT)),
        created=clean_text(properties.get(_XMP + "CreateDate")),
        modified=clean_text(properties.get(_XMP + "ModifyDate")),
        source_type=source_type_name(properties.get(_IPTC + "DigitalSourceType")),
        ai_system=clean_text(properties.get(_IPTC + "AISystemUsed")),
        ai_prompt=clean_text(properties.get(_IPTC + "AIPromptInformation"), MAX_PROMPT),
        history=tuple(action for event in events if (action := _action(event))),
    )
    return (None if facts == XmpFacts() else facts), clean_text(properties.get(_REMOTE))


class _LimitedBuilder(TreeBuilder):
    """Builds the tree of a packet up to a number of elements and a depth."""

    def __init__(self) -> None:
        super().__init__()
        self._elements = self._depth = 0

    def start(self, tag: str, attrs: dict[Any, Any], /) -> Element:
        self._elements += 1
        self._depth += 1
        if self._elements > _MAX_ELEMENTS or self._depth > _MAX_DEPTH:
            raise ValueError("more elements than any real packet has")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def _read_tree(root: Element) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the properties of the image and the events of its history; of each property the first value."""
    properties: dict[str, str] = {}
    events: list[dict[str, str]] = []
    # Only the outermost descriptions of the same thing as the first one (ISO 16684-1, 7.4): deeper ones are
    # of ingredients.
    rdf = root if root.tag == _RDF + "RDF" else root.find(_RDF + "RDF")
    descriptions = [] if rdf is None else list(rdf)
    about = descriptions[0].get(_RDF + "about", "") if descriptions else ""
    for description in descriptions:
        if description.tag != _RDF + "Description" or description.get(_RDF + "about", "") != about:
            continue
        for name, value in description.items():
            properties.setdefault(name, value)
        for element in description:
            if element.tag == _HISTORY:
                events += [_event(item) for container in element for item in container]
            items = [item.text for container in element for item in container if item.tag == _RDF + "li"]
            for text in (element.get(_RDF + "resource"), element.text, *items):
                if text and text.strip():
                    properties.setdefault(element.tag, text.strip())
    return properties, events[:MAX_ENTRIES]


def _event(item: Element) -> dict[str, str]:
    """Return the fields of one event of the history: attributes or elements, at any depth."""
    fields: dict[str, str] = {}
    for element in item.iter():
        for name, value in (*element.items(), (element.tag, (element.text or "").strip())):
            if value and name.startswith(_EVENT):
                fields.setdefault(name.removeprefix(_EVENT), value)
    return fields


def _action(event: dict[str, str]) -> Action | None:
    name = clean_text(event.get("action"))
    if name is None:
        return None
    software, when = clean_text(event.get("softwareAgent")), clean_text(event.get("when"))
    what = clean_text(event.get("parameters") or event.get("changed"))
    return Action(name, software=software, when=when, description=what)
