"""Activation functions of one number, for the compiled loops.

Knows: arithmetic. Does not know: how it is compiled, cells.
"""

from typing import no_type_check

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

ODD = tuple(
    np.float32(factor)
    for factor in (
        *(4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08),
        *(-8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16),
    )
)
EVEN = tuple(
    np.float32(factor)
    for factor in (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
)
SATURATED = np.float32(7.90531110763549805)  # from here on, tanh is 1 in float32
ONE, HALF = np.float32(1), np.float32(0.5)


@no_type_check  # compiled by Numba, see `kernels`
def tanh(x):
    """Return the hyperbolic tangent of a float32 to within 4e-7, as a rational function, which compilers can vectorize.

    Source: Eigen, `generic_fast_tanh_float` (MathFunctionsImpl.h, 3.3).
    """
    x = max(min(x, SATURATED), -SATURATED)
    xx = x * x
    above = ODD[5] + xx * ODD[6]
    above = ODD[4] + xx * above
    above = ODD[3] + xx * above
    above = ODD[2] + xx * above
    above = ODD[1] + xx * above
    above = ODD[0] + xx * above
    below = EVEN[2] + xx * EVEN[3]
    below = EVEN[1] + xx * below
    below = EVEN[0] + xx * below
    return x * above / below


@no_type_check  # compiled by Numba, see `kernels`
def sigmoid(x):
    """Return 1 / (1 + exp(-x)) of a float32, computed with tanh, which never overflows."""
    return HALF * tanh(HALF * x) + HALF
