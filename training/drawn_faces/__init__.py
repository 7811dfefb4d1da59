"""Draws anime faces with exact landmarks, and trains the nets that find and read drawn faces on nothing else."""
