"""Stills in, sound in, clips out and in; nothing half-written. The only place that encodes."""

from stillwake.media.files import check_output, whole_file, write_text
from stillwake.media.formats import CLIP_ENDINGS, carries_alpha, carries_sound, check_clip_output
from stillwake.media.moving_pictures import is_animation
from stillwake.media.sound import open_sound, sound_from_samples, sound_part
from stillwake.media.stills import as_jpeg, open_still
from stillwake.media.video import clip_sound, open_clip, read_frames, write_clip

__all__ = [
    "CLIP_ENDINGS",
    "as_jpeg",
    "carries_alpha",
    "carries_sound",
    "check_clip_output",
    "check_output",
    "clip_sound",
    "is_animation",
    "open_clip",
    "open_sound",
    "open_still",
    "read_frames",
    "sound_from_samples",
    "sound_part",
    "whole_file",
    "write_clip",
    "write_text",
]
