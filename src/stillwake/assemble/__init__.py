"""Finished clips, sounds and a storyboard -> one film."""
