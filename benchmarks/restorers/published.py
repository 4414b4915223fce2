"""What the peers' papers print, PSNR in dB, where their protocol is this one: to show that it is.

Not here: Kodak24, which the papers cut to 500×500 pixels.
"""

from __future__ import annotations

PUBLISHED = {
    ("dncnn", "set12"): {15: 32.86, 25: 30.44, 50: 27.18},
    ("dncnn-b", "set12"): {15: 32.67, 25: 30.35, 50: 27.18},
    ("ffdnet-gray", "set12"): {15: 32.75, 25: 30.43, 50: 27.32},
    ("ffdnet-gray", "bsd68"): {15: 31.63, 25: 29.19, 50: 26.29},
    ("ffdnet", "cbsd68"): {15: 33.87, 25: 31.21, 50: 27.96},
    ("dncnn-3", "dejpeg:classic5"): {10: 29.40, 20: 31.63, 30: 32.91, 40: 33.77},
    ("imdn", "sr:set5"): {2: 38.00, 3: 34.36, 4: 32.21},
    ("imdn", "sr:set14"): {2: 33.63, 3: 30.32, 4: 28.58},
    ("pan", "sr:set5"): {2: 38.00, 3: 34.40},
    ("pan", "sr:set14"): {2: 33.59, 3: 30.36},
}
"""By method and suite, then by level."""

TOLERANCE_DB = 0.05
