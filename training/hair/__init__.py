"""Training of the net that tells hair: our own drawings, how they are shown, and how it learns."""
