"""Generator readers are plugged in by one line, and importing the types stays cheap."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.provenance.files import png, read
from veraface.provenance import Generator
from veraface.provenance.generators import READERS


def test_a_reader_is_added_by_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_dream(texts: Mapping[str, str]) -> Generator | None:
        return Generator("Dreamer", "PNG text “Dream”", prompt=texts["Dream"]) if "Dream" in texts else None

    content = png(("Dream", "a cat"))
    assert read(content).generator is None
    monkeypatch.setitem(READERS, read_dream, ("Dream",))
    found = read(content)
    assert found.generator is not None
    assert (found.generator.name, found.generator.prompt) == ("Dreamer", "a cat")
    assert [claim.code for claim in found.claims] == ["generator_parameters"]


@pytest.mark.parametrize("package", ["imaging", "provenance", "forensics"])
def test_importing_a_package_loads_neither_numpy_nor_pillow(package: str) -> None:
    script = (
        f"import sys, veraface.{package} as package; "
        "assert not {'numpy', 'PIL', 'c2pa'} & set(sys.modules); "
        "assert all(getattr(package, name) is not None for name in package.__all__)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
