"""Which of the mesh's 478 points make which contour, each from the viewer's left to right.

The numbers are mediapipe's own (its ``face_mesh_connections``); 468 and 473 are the irises' centres. The mesh's
"right" eye is the sitter's, so it lies on the viewer's left.
"""

from __future__ import annotations

from typing import Final

OUTER_UPPER: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIPS: Final = tuple(dict.fromkeys(OUTER_UPPER + OUTER_LOWER + INNER_UPPER + INNER_LOWER))

UPPER_LIDS: Final = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (362, 398, 384, 385, 386, 387, 388, 466, 263))
LOWER_LIDS: Final = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (362, 382, 381, 380, 374, 373, 390, 249, 263))
BROWS: Final = ((46, 53, 52, 65, 55), (285, 295, 282, 283, 276))
IRISES: Final = (468, 473)
IRIS_RIMS: Final = ((469, 470, 471, 472), (474, 475, 476, 477))
EYES: Final = tuple(sorted({i for row in UPPER_LIDS + LOWER_LIDS for i in row}))

OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The face's outline, clockwise from the top of the forehead."""
JAW: Final = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)
"""From the viewer's left ear through the chin to the right ear."""

EAR_LEFT: Final = 234
EAR_RIGHT: Final = 454
FOREHEAD: Final = 10
CHIN: Final = 152
NOSE_TIP: Final = 1
CORNER_LEFT: Final = 33
CORNER_RIGHT: Final = 263
