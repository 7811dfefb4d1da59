"""Phoneme inventories and the maps between them: IPA, ARPABET, mouth shapes (visemes) and Rhubarb's shapes.

IPA is the meeting point: the synthesiser speaks IPA in every language, the English acoustic model speaks
ARPABET, which has an exact IPA each, and the mouth only needs to know what the lips, the jaw and the tongue tip do.
"""

# ruff: noqa: RUF001  the letters are IPA
from __future__ import annotations

import unicodedata
from functools import lru_cache

ARPABET_IPA = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "IH": "ɪ",
    "IY": "i", "OW": "oʊ", "OY": "ɔɪ", "UH": "ʊ", "UW": "u", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð", "F": "f",
    "G": "ɡ", "HH": "h", "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s",
    "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
"""The 39 phones of the acoustic model, each by its IPA."""

_VISEME_OF = {
    "MBP": "pbmɓʙ",
    "FV": "fvʋɱⱱ",
    "TH": "θð",
    "TDN": "tdnɾɗʈɖɳɲɽrʇ",
    "L": "lɫɭʎɬɮɺʟ",
    "S": "szʣʦ",
    "CH": "ʃʒʂʐɕʑʧʤ",
    "K": "kɡgŋxɣχʁqɢħʕcɟçʝɰɴʀʛɠʄ",
    "R": "ɹɻɚɝɜ",
    "W": "wʍɥɸβ",
    "AA": "aɑɒ",
    "AE": "æ",
    "AH": "ʌəɐɘɤɞɶᵊ",
    "EH": "ɛe",
    "IY": "iɪɨɯjᵻɿʅ",
    "OW": "oɔøœɵ",
    "UW": "uʊʉyʏᵿ",
}
VISEME_OF = {symbol: viseme for viseme, symbols in _VISEME_OF.items() for symbol in symbols}
"""The viseme of every IPA base symbol; h, ɦ and ʔ have none of their own: the lips are already at the next sound."""

NEUTRAL = frozenset("hɦʔʡʢ")
VOWELS = frozenset("aɑɒæʌəɐɘɤɞɶᵊɛeiɪɨɯᵻɿʅoɔøœɵuʊʉyʏᵿɚɝɜ")
CLOSURES = frozenset({"MBP", "FV"})
_NASAL = "\N{COMBINING TILDE}"
_FRICATIVES = frozenset("szʃʒʂʐɕʑfvθðxχɸβɬɮ")
_STOPS = frozenset("tdʈɖpbkɡgqc")


@lru_cache(maxsize=4096)
def symbols(ipa: str) -> tuple[str, ...]:
    """The phonemes in a run of IPA, bare: no stress, length, tone, aspiration or other marks.

    Nasal vowels keep their tilde. Affricates and falling diphthongs (a vowel and a close one) stay in one piece.
    """
    bare: list[str] = []
    for letter in unicodedata.normalize("NFD", ipa):
        if letter == _NASAL and bare and bare[-1] in VOWELS:
            bare[-1] += letter
        elif letter == "\N{COMBINING CEDILLA}" and bare and bare[-1] == "c":
            bare[-1] = "ç"  # NFD took it apart
        elif letter in VISEME_OF or letter in NEUTRAL:
            bare.append(letter)
    joined: list[str] = []
    for symbol in bare:
        before = joined[-1] if joined else ""
        affricate = before in _STOPS and symbol in _FRICATIVES and _same_place(before, symbol)
        diphthong = (
            len(before) == 1
            and before in VOWELS
            and symbol in {"ɪ", "ʊ", "i", "u"}
            and before not in {"ɪ", "ʊ", symbol}
        )
        if affricate or diphthong:
            joined[-1] += symbol
        else:
            joined.append(symbol)
    return tuple(joined)


def _same_place(stop: str, fricative: str) -> bool:
    return (stop in "tdʈɖ" and fricative in "szʃʒʂʐɕʑɬɮ") or (stop in "pb" and fricative in "fv")


@lru_cache(maxsize=4096)
def shapes(phoneme: str) -> tuple[tuple[str, float], ...]:
    """The visemes of one bare phoneme with their shares of its time, or nothing for h and the glottal stop.

    A diphthong spends 60 % in its first half, as Rhubarb's rules have it (ShapeRule ``diphthong``); an affricate
    is its fricative, but pf closes first.
    """
    found = [VISEME_OF[letter] for letter in unicodedata.normalize("NFD", phoneme) if letter in VISEME_OF]
    if phoneme == "ç":
        return (("K", 1.0),)
    if not found:
        return ()
    if len(found) == 1:
        return ((found[0], 1.0),)
    if phoneme[0] in VOWELS:
        return ((found[0], 0.6), (found[1], 0.4))
    if found[0] == "MBP":
        return ((found[0], 0.5), (found[1], 0.5))
    return ((found[-1], 1.0),)


_TO_ARPABET = {
    "tʃ": "CH", "dʒ": "JH", "ts": "T S", "dz": "D Z", "tɕ": "CH", "dʑ": "JH", "tʂ": "CH", "dʐ": "JH", "pf": "P F",
    "eɪ": "EY", "ei": "EY", "ɛɪ": "EY", "ɛi": "EY", "aɪ": "AY", "ai": "AY", "ɑɪ": "AY", "ɔɪ": "OY", "oi": "OY",
    "oɪ": "OY", "ɔi": "OY", "aʊ": "AW", "au": "AW", "oʊ": "OW", "əʊ": "OW", "ou": "OW", "ɔu": "OW", "ɔʊ": "OW",
    "a": "AA", "ɑ": "AA", "ɒ": "AA", "æ": "AE", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɘ": "AH", "ɤ": "AH", "ɞ": "AH",
    "ɶ": "AA", "ᵊ": "AH", "ɛ": "EH", "e": "EH", "i": "IY", "ɪ": "IH", "ɨ": "IH", "ɯ": "UW", "ᵻ": "IH", "ɿ": "IH",
    "ʅ": "IH", "o": "OW", "ɔ": "AO", "ø": "UH", "œ": "EH", "ɵ": "UH", "u": "UW", "ʊ": "UH", "ʉ": "UW", "y": "UW",
    "ʏ": "UH", "ᵿ": "UH", "ɚ": "ER", "ɝ": "ER", "ɜ": "ER",
    "p": "P", "b": "B", "m": "M", "ɓ": "B", "ʙ": "B", "f": "F", "v": "V", "ʋ": "V", "ɱ": "M", "ⱱ": "V", "θ": "TH",
    "ð": "DH", "t": "T", "d": "D", "n": "N", "ɾ": "D", "ɗ": "D", "ʈ": "T", "ɖ": "D", "ɳ": "N", "ɲ": "N", "ɽ": "D",
    "r": "R", "l": "L", "ɫ": "L", "ɭ": "L", "ʎ": "L", "ɬ": "L", "ɮ": "L", "ɺ": "L", "ʟ": "L", "s": "S", "z": "Z",
    "ʃ": "SH", "ʒ": "ZH", "ʂ": "SH", "ʐ": "ZH", "ɕ": "SH", "ʑ": "ZH", "k": "K", "ɡ": "G", "g": "G", "ŋ": "NG",
    "ɴ": "NG", "x": "HH", "ɣ": "G", "χ": "HH", "ʁ": "R", "ʀ": "R", "q": "K", "ɢ": "G", "ħ": "HH", "c": "K", "ɟ": "G",
    "ç": "HH", "ʝ": "Y", "ɰ": "W", "ɹ": "R", "ɻ": "R", "w": "W", "ʍ": "W", "ɥ": "W", "ɸ": "F", "β": "V", "j": "Y",
    "h": "HH", "ɦ": "HH",
}  # fmt: skip


@lru_cache(maxsize=4096)
def arpabet(ipa: str) -> tuple[str, ...]:
    """A run of IPA in the 39 phones of the English model: the nearest phone for each; unknown signs are left out."""
    phones: list[str] = []
    for phoneme in symbols(ipa):
        plain = phoneme.replace(_NASAL, "")
        phones += (_TO_ARPABET.get(plain) or " ".join(_TO_ARPABET.get(letter, "") for letter in plain)).split()
        if _NASAL in phoneme:
            phones.append("N")
        if phones[-2:] == ["ER", "R"]:
            phones.pop()  # the model's ER holds its r
    return tuple(phones)


# ------------------------------------------------------------------------------------------------------- Rhubarb


RHUBARB_OF = {
    "P": "A", "B": "A", "M": "A", "F": "G", "V": "G", "UW": "F", "UH": "F", "W": "F", "AO": "E", "OW": "E", "ER": "E",
    "R": "E", "OY": "E", "AA": "D", "AE": "C", "AH": "C", "AW": "C", "AY": "C", "EH": "C", "EY": "C", "L": "H",
    "IH": "B", "IY": "B", "Y": "B",
}  # fmt: skip
"""Rhubarb's shape for an ARPABET phone; every other consonant is B, silence X, and HH takes the next shape."""
RHUBARB_END = {"AY": "B", "EY": "B", "OY": "B", "OW": "F", "AW": "F"}
"""The shape of the last 40 % of a diphthong."""
