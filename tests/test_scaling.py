import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbook.scaling import fit_power_law


@pytest.mark.equation("eq-power-law")
@given(st.floats(0.1, 100), st.floats(0.01, 2))
def test_an_exact_power_law_is_found(a, alpha):
    amounts = np.array([10.0, 50.0, 200.0, 3000.0])
    law = fit_power_law(amounts, a * amounts**-alpha)
    assert law.a == pytest.approx(a, rel=1e-6)
    assert law.alpha == pytest.approx(alpha, rel=1e-6)
    np.testing.assert_allclose(law.residuals, 0, atol=1e-9)
    assert law(7.0) == pytest.approx(a * 7.0**-alpha, rel=1e-6)


def test_noise_is_left_in_the_residuals_and_no_other_line_lies_closer():
    amounts = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    losses = 3 * amounts**-0.3 * np.exp([0.02, -0.03, 0.01, 0.03, -0.02])
    law = fit_power_law(amounts, losses)
    np.testing.assert_allclose(losses, law(amounts) * (1 + law.residuals))
    squares = (np.log1p(law.residuals) ** 2).sum()
    for change in (1.01, 0.99):
        for a, alpha in ((law.a * change, law.alpha), (law.a, law.alpha * change)):
            assert (np.log(losses / (a * amounts**-alpha)) ** 2).sum() > squares


@pytest.mark.parametrize(
    ("amounts", "losses", "message"),
    [
        ([1, 2], [1, 2, 3], "two lists of one length"),
        ([[1, 2]], [[1, 2]], "two lists of one length"),
        ([2, 2], [1, 2], "at least two different amounts"),
        ([0, 2], [1, 2], "must be positive"),
        ([1, 2], [1, -2], "must be positive"),
    ],
)
def test_bad_input_is_named(amounts, losses, message):
    with pytest.raises(ValueError, match=message):
        fit_power_law(amounts, losses)
