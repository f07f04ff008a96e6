"""Numbers and dtypes that nobody should pass, for the hostile calls and the property tests."""

import numpy as np

NUMBERS = [0, 1, 2, np.nan, np.inf, -np.inf, -1, 2**31, 2**63 - 1, -(2**63), 1e300, 1e-320, -0.0, 0.5, 10**30]

DTYPES = [
    "f2",
    "f4",
    "f8",
    ">f4",
    ">i8",
    "i1",
    "u1",
    "i4",
    "u8",
    "i8",
    "?",
    "c8",
    "S2",
    "U2",
    "O",
    "M8[s]",
    "m8[s]",
    "i4,f4",
]
