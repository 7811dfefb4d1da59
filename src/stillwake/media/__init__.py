"""Stills in, sound in, clips out and in; nothing half-written. The only place that encodes."""

from stillwake.media.files import check_output, whole_file, write_text
from stillwake.media.sound import open_sound, sound_from_samples
from stillwake.media.stills import as_jpeg, open_still
from stillwake.media.video import check_clip_output, clip_sound, open_clip, read_frames, write_clip

__all__ = [
    "as_jpeg",
    "check_clip_output",
    "check_output",
    "clip_sound",
    "open_clip",
    "open_sound",
    "open_still",
    "read_frames",
    "sound_from_samples",
    "whole_file",
    "write_clip",
    "write_text",
]
