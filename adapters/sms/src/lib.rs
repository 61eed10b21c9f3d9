//! The short message itself: alphabets, segmentation, TPDU, RP.
