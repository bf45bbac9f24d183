"""The collector of cycles rests for a while, and works again whatever happened."""

import gc

import pytest

from skillmap.core.collector import collector_resting


def test_it_works_again_afterwards_even_after_an_error() -> None:
    assert gc.isenabled()
    with collector_resting():
        assert not gc.isenabled()
        with collector_resting():
            assert not gc.isenabled()
        assert not gc.isenabled(), "the outer one still rests"
    with pytest.raises(ZeroDivisionError), collector_resting():
        raise ZeroDivisionError
    assert gc.isenabled()
