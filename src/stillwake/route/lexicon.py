"""What people call the things that should happen in a clip: words, by what they ask for.

English alone. A word stands here in its first form; `stems` leads there from "walking", "walks" and "walked".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import Pattern


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(*patterns: str) -> tuple[Pattern[str], ...]:
    return tuple(re.compile(rf"\b(?:{pattern})\b") for pattern in patterns)


def stems(word: str) -> Iterator[str]:
    """The word, and every first form that it may come from: walking, walk; waves, wave; hopped, hop; carries, carry."""
    yield word
    if word in NAMES:
        return
    for ending in ("ing", "ed", "es", "s", "ly", "'s"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 2:
            continue
        yield stem
        yield stem + "e"
        if len(stem) > 2 and stem[-1] == stem[-2]:
            yield stem[:-1]
        if stem.endswith("i"):
            yield stem[:-1] + "y"
    if word in IRREGULAR:
        yield IRREGULAR[word]


NAMES = _words(
    "drawing painting building clothing lighting setting wedding ring evening morning ceiling earring string spring king"
    " being thing something nothing anything everything feeling meaning opening closing leaving"
)
"""Words that look like a form of a verb and name a thing."""
IRREGULAR = {
    "ran": "run", "flew": "fly", "flown": "fly", "fell": "fall", "fallen": "fall", "rose": "rise", "risen": "rise",
    "spoke": "speak", "spoken": "speak", "said": "say", "told": "tell", "sang": "sing", "sung": "sing",
    "stood": "stand", "sat": "sit", "threw": "throw", "thrown": "throw", "drew": "draw", "drawn": "draw",
    "rode": "ride", "drove": "drive", "driven": "drive", "swam": "swim", "swung": "swing", "caught": "catch",
    "blew": "blow", "blown": "blow", "spun": "spin", "broke": "break", "became": "become", "grew": "grow",
    "held": "hold", "left": "leave", "dying": "die", "lying": "lie",
}  # fmt: skip

MISSPELT = _words(
    "blink breathe breath camera zoom talk speak smile sway hair loop seamless gentle gently subtle slowly slight slightly"
    " background waves walking running dancing turns turning explosion lightning orbit parallax handheld snow petals"
)
"""Words that decide much, which are also understood with a letter too few, too many or in the wrong place."""

# ------------------------------------------------------------------------------------------------------ the speaking

SPEAK = _words(
    "speak talk say tell explain sing narrate recite greet announce introduce pronounce whisper chat preach mumble"
    " speech dialogue monologue lipsync voiceover"
)
SPEAK_PHRASES = _phrases(
    r"(?:walk|talk|guide)s? (?:us|you|viewers|people|them) through",
    r"lip[- ]?sync\w*",
    r"talking[- ]head",
    r"address(?:es|ing)? (?:the |us|our |his |her )?(?:camera|viewers?|audience)?",
    r"reads? (?:out|the|a|this) (?:\w+ )?(?:text|script|news|poem|line|lines|words|letter|message)",
    r"gives? (?:a|the|his|her) (?:speech|talk|lecture|presentation|pitch)",
    r"presents? (?:the|our|us|this|a)",
    r"mouth(?:s|ing)? (?:the )?(?:words|lyrics)",
    r"in sync with",
    r"says? (?:hello|hi|good)",
    r"news anchor",
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- what stays small

LOOP_PHRASES = _phrases(
    r"loop\w*",
    r"seamless(?:ly)?",
    r"cinemagraphs?",
    r"liv(?:ing|e) (?:photo|picture|portrait|wallpaper|still|image)\w*",
    r"wallpapers?",
    r"idle",
    r"(?:come|comes|coming|came) (?:alive|to life)",
    r"(?:bit|touch|hint|little) (?:of )?life",
    r"(?:bring|brings|brought)\b.{0,30}\b(?:to life|alive)",
    r"lifelike",
    r"boomerang",
    r"screensaver",
    r"alive",
)  # fmt: skip
"""What is asked of a picture that should only live."""

SMALL = _words(
    "blink breathe breath breathing inhale exhale glance gaze smile nod sway wink micro microexpression"
    " microexpressions smirk grin squint"
)
"""What a still person does."""
SMALL_PARTS = _words(
    "hair strand strands fringe bangs ponytail braid curl lock locks eye eyes eyelid eyelids lid lids lash lashes iris"
    " chest shoulder shoulders head face brow brows eyebrow eyebrows ear ears lip lips mouth beard collar"
)
"""What moves of them; with a verb of motion this is small, whatever the verb."""
GAZE_PHRASES = _phrases(
    r"looks? (?:at|into|towards?) (?:us|me|the camera|the viewer|the lens|you)",
    r"looking (?:at|into) (?:the )?camera",
    r"looks? (?:to (?:the|her|his) )?(?:left|right|up|down|aside)",
    r"eye contact",
)  # fmt: skip
SOFT = _words(
    "slight slightly subtle subtly gentle gently soft softly small tiny minimal minimally barely faint faintly quiet"
    " quietly calm calmly little hardly light lightly delicate delicately"
)
STIRS = _words("move motion movement life turn tilt lean shift stir animate animation")
"""What, said softly, asks for no more than a still that lives."""

# ---------------------------------------------------------------------------------------------------- what drifts by

AMBIENT = {
    "snow": "snow", "snowflake": "snow", "snowfall": "snow", "flake": "snow", "rain": "rain", "raindrop": "rain",
    "drizzle": "rain", "rainfall": "rain", "petal": "petals", "blossom": "petals", "sakura": "petals",
    "dust": "dust", "mote": "dust", "particle": "dust", "pollen": "dust", "speck": "dust", "ember": "embers",
    "spark": "embers", "ash": "embers", "confetti": "petals",
}  # fmt: skip
"""What our animator lets drift through a picture."""
DRIFTS = _words(
    "fall drift float flutter come move rise blow fly swirl descend dance whirl pass glide drop sprinkle trickle hang"
    " shimmer glow tumble add overlay effect"
)
WILD = _words("heavy storm stormy blizzard downpour torrential thunder hail pour pouring splash wild flood puddle")

# ------------------------------------------------------------------------------------------------- what is all around

PLACES = _words(
    "sea ocean wave surf tide foam water river stream creek lake pond waterfall rapids fountain cloud sky tree leaf"
    " leaves branch branches grass meadow field wheat flower flowers reed forest jungle smoke steam vapor vapour fog"
    " mist haze fire flame campfire bonfire candle torch candlelight lantern lava sun sunlight sunbeam moon moonlight"
    " star stars aurora galaxy neon sign signs traffic car cars truck lorry bus train tram boat ship sailboat sail plane"
    " airplane aeroplane jet rocket spaceship bicycle motorbike bird birds gull gulls seagull seagulls pigeon flock"
    " crowd people pedestrian pedestrians passersby bystander audience shopper child children kid kids curtain curtains"
    " dress skirt cape cloak scarf fabric cloth silk robe gown veil ribbon kimono flag laundry storm"
    " thunderstorm lightning thunder firework explosion blast sand dune bubble liquid coffee tea champagne beer wine"
    " milk juice honey sauce drink splash droplet drop ripple reflection shadow fish jellyfish butterfly butterflies"
    " firefly fireflies bee bees insect insects windmill turbine wheel escalator crane screen hologram light lights"
    " headlight headlights lamp city skyline street market horse horses sheep herd planet meteor tornado avalanche"
    " landscape scenery environment background scene surroundings everything world snowstorm blizzard weather magic"
    " energy aura portal ice cream chocolate gear machine engine wind breeze gust"
)
WINDS = _words("wind breeze gust windy breezy")
STYLE_PLACES = _words(
    "light lights sky background scene sun city street everything star wind breeze gust lighting"
    " sunbeam sunlight moonlight beam ray glow shadow"
)
"""Of these only what is plainly said to move counts: they stand in every description of a picture."""
FLOWS = _words(
    "move motion break crash roll flow drift ripple shimmer flicker burn blaze rise fall blow sway rustle flutter billow"
    " swirl curl pass stream splash pour drip boil bubble erupt explode twinkle sparkle spin rotate race cheer swim fly"
    " float lap surge churn cascade gush spray whip gather darken sweep strike grow bloom melt rumble pulse shift walk"
    " run hurry stroll drive cruise sail glide wave dance bustle change switch animate melt wash rush scroll flash play"
    " circle hover spread creep climb bend swing crackle trickle shine scurry cross gallop graze mill tumble peel part clear dissolve"
    " evaporate lift whirl turn tremble shake quiver wobble undulate ebb drain fill stir roar rage dart fizz foam"
    " jingle clink clap chatter laugh ignite light emerge form"
)
STREAMS = _words(
    "billow ripple erupt gush cascade rustle crackle flicker splash fizz undulate churn swirl smolder smoulder drip"
    " burn blaze explode ignite sizzle"
)
"""Verbs that say by themselves that something around moves."""
EVENTS = _words(
    "lightning thunderstorm firework fireworks explosion explosions timelapse hyperlapse tornado avalanche eruption"
    " waterfall rapids blizzard snowstorm tsunami earthquake hurricane sandstorm stampede volcano meteor"
)
"""Nouns that are motion."""

# ----------------------------------------------------------------------------------------------------- what is done

ACT = _words(
    "walk run dance jump leap turn spin twirl kneel bow raise lift reach grab pick throw catch kick punch"
    " fight swing draw shoot drive ride fly swim climb crawl hug kiss open close pour drink eat cook bake write"
    " play clap point shake laugh cry weep scream shout lean stretch yawn bark wag gallop chase explode float rotate"
    " unfold unbox unwrap take put adjust brush stride strut march enter leave exit arrive step approach roll"
    " fall rise drop land bounce emerge appear disappear vanish hatch skate ski surf sprint jog hop skip stroll wander"
    " pounce pet stroke feed hunt prowl flap attack cast summon dodge slash strike block charge unsheathe land launch"
    " assemble disassemble split shatter crack levitate sip bite chew lick sniff toss juggle dive plunge descend"
    " ascend carry push pull wave gesture shrug salute wrap button zip apply wear remove undress spray squeeze peel"
    " slice chop stir mix press click swipe scroll tap knock salute cartwheel somersault flip twist wiggle crouch hide"
    " sneak peek peer wake sleep collapse faint stumble trip slip sweep mop wash drum strum cheer celebrate"
    " applaud embrace cuddle meet greet pass accelerate brake crash drift race swerve park hurry rush giggle"
    " chuckle frown pout gasp sob rub scratch tug tilt rock bob nuzzle purr meow growl howl roar swirl tie untie lace"
    " blast unroll inflate deflate bloom sprout serve drizzle sprinkle dip melt scoop"
)
MILD_ACT = _words("tilt lean shake rock bob sweep drift wave frown pout present greet swirl twist roll push pull pass")
"""Of these some are a camera's or the weather's words."""
GO_PHRASES = _phrases(
    r"(?:does|do|doing|performs?|performing|busts?) (?:a|an|the|his|her|some|that|this) (?!same)\w+",
    r"(?!(?:looks|peers|gazes|stares|glances|falls|shines|spills|smiles)\b)[a-z]{3,}s (?:thru|through|across|past|along) (?:my|the|our|a|an)",
    r"(?:dance|fight|chase|action|battle) (?:breaks?|numbers?|solos?|scenes?|moves?|sequences?|routines?)",
    r"(?:typ|clean)(?:es|s|ing)",
    r"speeds? (?:off|up|away|past|along)",
    r"(?:go|goes|going|went) (?:super|full|berserk|flying|running|nuts)",
    r"(?:blast|take|lift|run|speed|race|storm|drive)(?:s|ing)? off",
    r"(?:pull|drive|sail|fly|walk|run|drift)(?:s|ing)? away",
    r"(?:comes?|coming|goes|go|going|gets?|getting|moves?|moving|heads?|heading|sets?|setting) " r"(?:off|away|out|into|towards?|closer to|back to|home|up from|down the|across|through|past|along|over|forward)",
    r"(?:stand|sit|lie|lay)(?:s|ing|ting)? (?:up|down|back)",
    r"(?:stands?|standing) on",
    r"looks? (?:around|over|back|behind|out)",
    r"looking (?:around|over|back|behind)",
    r"waves? (?:at|to|goodbye|hello|hi|back|his|her|their|us|a)",
    r"turn(?:s|ing)? (?:a)?round",
    r"\w+s (?:it|them|him|her)sel(?:f|ves)(?! (?:still|quiet|steady))",
    r"(?:strikes?|striking|takes?|changes?|through|different|new) (?:a )?(?:\w+ )?poses?",
    r"poses (?:for|with|in)",
    r"(?:holds?|holding) (?:up|out)",
    r"(?:leg|book|floor|bolt)s? it",
    r"high[- ]five",
    r"puts? (?:on|down|up)",
    r"takes? (?:off|out|up|a|his|her|the)",
    r"gets? up",
    r"runway walk",
    r"catwalk",
    r"throws? (?:his|her|their) head",
    r"(?:hand|hands) (?:through|into|over|on)",
    r"a hand",
    r"in action",
    r"(?:lights?|lighting) (?:up )?(?:a|the|his|her) (?:cigarette|candle|fire|cigar|match|pipe)",
)  # fmt: skip
PART_DOES = _words("turn lift raise lower open close flap play glance fly float dance")
"""What hair, lids and lips do that would be somebody's action elsewhere."""
GLANCE_WORDS = _words("leave left close open rub fall rise lift raise enter take")
"""Words of a glance or a breath that are an action's elsewhere: left, close to us, a chest that rises."""
ARTICLES = _words("the a an her his their its our my your this that")
"""Before them stands the name of a thing: the plate is no verb."""
PERSON = _words(
    "he she they him her them his their man woman boy girl person guy lady child kid baby model actor actress hero"
    " heroine character knight warrior wizard witch princess prince king queen soldier samurai ninja robot dog cat"
    " puppy kitten horse bird fox wolf lion tiger bear dragon rabbit animal someone somebody everyone everybody"
    " grandma grandpa mother father mom mum dad bride groom couple friends team family group student teacher"
)

# ---------------------------------------------------------------------------------------------------- what changes

CHANGE_PHRASES = _phrases(
    r"turn(?:s|ing|ed)? (?:in)?to (?!(?:the|her|his|our|us|me|face|look|camera|a side|left|right)\b)\w+",
    r"turn(?:s|ing|ed)? into",
    r"transform\w*",
    r"morph\w*",
    r"metamorphos\w*",
    r"becom(?:e|es|ing)",
    r"(?:change|changes|changing|switch|switches|switching) (?:in)?to",
    r"(?:day|summer|winter|spring|autumn|dawn|night|dusk)" r" (?:turns? )?(?:in)?to (?:day|night|winter|summer|autumn|spring|dusk|evening|dawn)",
    r"time[- ]?lapse",
    r"(?:grow|grows|growing) (?:old|older|younger|up|wings)",
    r"age(?:s|ing)? (?:up|down|by|into)",
    r"de-?ag\w+",
    r"relight\w*",
    r"season\w* (?:change|pass)\w*",
    r"(?:outfit|clothes|dress|hair|colou?r|background|costume|scenery|style|expression)s?" r" (?:change|changes|changing|shifts?)",
    r"(?:change|changes|changing|swap|swaps|replace|replaces) (?:the|her|his|their)" r" (?:outfit|clothes|dress|hair|colou?r|background|costume|scene|setting|weather|light|lighting|expression|pose)",
    r"evolv\w+",
    r"from (?:day|noon|morning|sunrise|dawn|sunset|dusk|evening|night|summer|winter|spring|autumn|young|sunny|dark) to \w+",
    r"(?:sun(?:set|rise)|night|darkness|dawn|dusk) (?:falls|comes|breaks|to)",
    r"dissolv\w+ into",
    r"sun (?:sets|rises|goes|comes|setting|rising|going|coming)",
    r"(?:the )?lights? (?:goes|go|turns?|switch\w*) (?:on|off|out)",
    r"(?:freez|melt|rott|decay)(?:es|s|ing)? (?:over|away|into)",
    r"swap(?:s|ped)?",
)  # fmt: skip

# ------------------------------------------------------------------------------------------------ what is wished for

FACE_PHRASES = _phrases(
    r"(?:not|never|\w+n'?t|without|no) (?:\w+ ){0,3}(?:chang|alter|touch|morph|distort|modif|warp)\w* (?:\w+ ){0,3}" r"(?:face|identity|likeness|features|expression|her|him|me|person)",
    r"(?:keep|keeping|preserv\w+|maintain\w*|retain\w*|same|exact|consistent|lock\w*) (?:\w+ ){0,3}(?:face|identity|likeness|features|resemblance)",
    r"(?:face|identity|likeness|features)\w* (?:\w+ ){0,3}(?:same|exact|unchanged|consistent|preserved|intact|identical|stays?)",
    r"no (?:face )?(?:morph|distort|identity)\w*",
)  # fmt: skip
FINAL_PHRASES = _phrases(
    r"(?:keep|keeping|leave|leaving|preserv\w+|hold|stays?|remains?|remain|staying|kept)\b.{0,40}\b(?:exact(?:ly)?|as (?:it|they|that) (?:is|are)|" r"unchanged|identical|untouched|intact|readable|legible|crisp|sharp|the same|accurate|faithful|pixel[- ]perfect|as[- ]is)",
    r"(?:not|never|\w+n'?t|without) (?:\w+ ){0,3}(?:chang|alter|touch|distort|modif|warp|redraw|repaint|reinvent)\w*" r"(?: (?:anything|the|my|our|a|any|this|it|what)\b.*)?",
    r"exactly (?:as|like) (?:it is|it's|in|the|they|shown|photographed|designed)",
    r"pixel[- ]perfect",
    r"faithful to the",
    r"the (?:picture|still|photo|image|artwork|painting) is (?:final|approved|finished)",
    r"must(?:n't| not) change",
)  # fmt: skip
RANGE_PHRASES = _phrases(
    r"variations?",
    r"(?:different|several|many|multiple|various|\d+|two|three|four|five|six|a few|some|few|more) (?:\w+ )?(?:ideas|takes|options|versions|clips|variants|interpretations|directions|attempts)",
    r"surpris\w+",
    r"experiment\w*",
    r"go (?:wild|crazy|nuts)",
    r"unexpected\w*",
    r"explor(?:e|ing) (?:ideas|options|different|some)",
    r"anything (?:can|may|could|goes)",
    r"creative freedom",
    r"be creative",
    r"wild ideas",
    r"brainstorm\w*",
    r"something (?:cool|crazy|epic)",
    r"to (?:choose|pick) from",
    r"whatever you (?:like|want)",
)  # fmt: skip
REFERENCE_PHRASES = _phrases(
    r"(?:as|for|just|only) (?:a |an |the )?(?:\w+ )?(?:reference|inspiration|starting point)",
    r"inspired by",
    r"loosely based",
    r"in the (?:mood|style|spirit|world|look) of (?:this|the|my) (?:picture|image|photo|still|painting|artwork|drawing)",
    r"(?:new|another|different) (?:scene|setting|place|location|angle|world|background) ?(?:with|of|for|in|from)?",
    r"use (?:it|this|the \w+) as (?:a )?(?:reference|inspiration)",
)  # fmt: skip
PREDICTABLE_PHRASES = _phrases(
    r"predictabl\w+",
    r"no surprises",
    r"same (?:result|clip) (?:every|each) time",
    r"reproducibl\w+",
)

# ---------------------------------------------------------------------------------------------------- what is denied

NO = _phrases(
    r"no",
    r"not",
    r"never",
    r"without",
    r"nothing",
    r"nobody",
    r"none",
    r"don'?t",
    r"doesn'?t",
    r"won'?t",
    r"mustn'?t",
    r"shouldn'?t",
    r"isn'?t",
    r"aren'?t",
    r"cannot",
    r"can'?t",
    r"neither",
    r"nor",
    r"avoid",
    r"zero",
    r"stop",
    r"instead of",
    r"rather than",
    r"free of",
    r"w/o",
    r"minus",
)  # fmt: skip
YET = _phrases(
    r"but",
    r"only",
    r"except",
    r"just",
    r"apart from",
    r"other than",
    r"besides",
    r"however",
)
"""Where a denial ends."""
PREDICATE = re.compile(
    r"\b(?:he|she|they|it|who|(?:the|my|our|a|this|that|her|his) (?:\w+ )?(?:man|woman|boy|girl|guy|lady|kid|baby|dog|cat|"
    r"puppy|kitten|horse|bird|knight|warrior|robot|dragon|model|dancer|player|child|bride|groom|character|hero|heroine))"
    r" (?:then |slowly |quickly |suddenly |just |now )?([a-z]+[^s\W]s)\b"
)
"""Somebody, and the verb that tells what they do."""
MADE = re.compile(
    r"\b(?:make|have|let|get|want|see|show) (?:him|her|them|it|me|us|the (?:\w+ )?(?:man|woman|boy|girl|dog|cat|guy|lady|"
    r"person|character|model|car|robot|bird|horse|baby|kid)) (?:to )?([a-z]+)\b"
)
"""Somebody who is made to do something, and what."""
HARMLESS = _words(
    "is was has does goes wears remains keeps looks seems feels stays stands sits lies holds appears needs wants likes"
    " loves gets lives waits rests thinks listens hears sees gazes stares watches knows stops poses means comes lets"
    " makes gives belongs always its this us hers yes perhaps less towards sometimes besides sounds begins starts"
    " be look seem feel stay stand sit stop remain keep come live look more less a an the very so with in"
    " hangs parks talks speaks says sings tells blinks breathes smiles nods sways glances winks squints says mouths reads presents"
)
"""Words after a subject that do nothing large, or are no verbs."""

STANDS = _phrases(
    r"(?:stand|stands|standing|stay|stays|staying|remain|remains|remaining|hold|holds|held|keep|keeps|kept|be|is|are|completely|perfectly|totally|absolutely|dead|sit|sits)" r"(?: \w+){0,4}? (?:still|static|fixed|frozen|motionless|locked(?: off)?|put|steady|stable|immobile|unmoving|stationary)",
    r"(?:static|locked[- ]?off|locked|fixed|stationary|motionless|tripod|still|steady) (?:camera|shot|frame|background|backdrop|scene|pose|cam)",
    r"(?:camera|background|scene|shot|backdrop) (?:\w+ )?(?:static|locked|fixed|still|motionless|frozen|stable)",
    r"on a tripod",
    r"static",
)  # fmt: skip
"""What is said to stand still: nothing in that clause moves."""

SETTINGS = _phrases(
    r"(?:in|on|at|by|near|beside|under|against|before|above|over|beneath) (?:the |a |an |her |his |their )?(?:\w+ )?"
    r"(?:rain|snow|wind|sea|ocean|water|river|lake|beach|forest|street|city|field|meadow|fire|sky|sun|background|night|"
    r"sunlight|moonlight|light|dust|fog|mist|storm|breeze)",
)
"""Where something happens, rather than what."""

# ------------------------------------------------------------------------------------------------------- the camera

CAMERA = re.compile(r"\b(?:camera|cam|shot|lens|view|frame|viewpoint|we|footage|pov|perspective)\b")
"""Who moves, where a verb could be anybody's."""
_GAP = r"(?: \w+){0,3}? "
MOVES: tuple[tuple[Pattern[str], str, bool], ...] = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), kind, needs_camera)
    for pattern, kind, needs_camera in (
        (r"dolly[- ]?zoom|vertigo(?: effect| shot)?|zolly", "dolly-zoom", False),
        (rf"(?:push|dolly|dollies|track|creep|inch)(?:es|ing|s|ies)?(?:{_GAP}| |-)(?:in|forwards?|closer|inwards?|towards?|into|up to)", "push-in", False),
        (rf"(?:mov|glid|travel|float|drift|eas|com|go|advanc|slid|press)(?:e|es|ing|s|ed)?{_GAP}(?:in|forwards?|closer|inwards?|towards?|nearer)", "push-in", True),
        (r"forward (?:motion|movement|move|dolly|push)", "push-in", False),
        (r"(?:pull|dolly|dollies)(?:s|ing|ies)?[ -](?:slowly |gently |smoothly |slightly )?(?:out|back|backwards?)", "pull-out", False),
        (rf"(?:pull|dolly|dollies|track)(?:s|ing|ies)?{_GAP}(?:out|back|backwards?|away)", "pull-out", True),
        (rf"(?:mov|glid|travel|float|drift|eas|back|retreat)(?:e|es|ing|s|ed)?{_GAP}(?:out|back|backwards?|away|off)", "pull-out", True),
        (rf"zoom(?:s|ing|ed)?(?:{_GAP}| |-)(?:out|away|back)", "zoom-out", False),
        (r"zoom(?:s|ing|ed)?", "zoom-in", False),
        (rf"pan(?:s|ning|ned)?{_GAP}left(?:wards?)?|left(?:ward)? pan", "pan-left", False),
        (rf"(?:pan(?:s|ning|ned)?|tilt(?:s|ing|ed)?){_GAP}up(?:wards?)?", "tilt-up", True),
        (rf"(?:pan(?:s|ning|ned)?|tilt(?:s|ing|ed)?){_GAP}down(?:wards?)?", "tilt-down", True),
        (r"(?:upward|up) tilt|tilt[- ]up", "tilt-up", False),
        (r"(?:downward|down) tilt|tilt[- ]down", "tilt-down", False),
        (r"pan(?:s|ning|ned)?", "pan-right", False),
        (rf"(?:truck|track|slid|dolly|mov|glid|travel|drift)(?:e|es|ing|s|ed)?{_GAP}(?:left|leftwards?)", "truck-left", True),
        (rf"(?:truck|track|slid|dolly|mov|glid|travel|drift)(?:e|es|ing|s|ed)?{_GAP}(?:right|rightwards?|sideways|sidewards|laterally|across)", "truck-right", True),
        (r"(?:truck|slider|lateral|sideways)(?:s|ing)?(?: \w+)? left", "truck-left", False),
        (r"(?:truck(?:s|ing)? (?:right|sideways|shot)|slider (?:shot|move)|lateral (?:move|dolly|track\w*|slide))", "truck-right", False),
        (rf"(?:crane|boom|jib|pedestal|ris|lift|float|mov)(?:e|es|ing|s|ed)?{_GAP}(?:up|upwards?)|crane[- ]up", "pedestal-up", True),
        (rf"(?:crane|boom|jib|pedestal|lower|descend|sink|mov)(?:e|es|ing|s|ed)?{_GAP}(?:down|downwards?)|crane[- ]down", "pedestal-down", True),
        (r"(?:crane|jib|pedestal|boom) (?:shot|move|up)", "pedestal-up", False),
        (rf"(?:orbit|arc|circl|rotat|revolv|swing|mov)(?:e|es|ing|s|ed)?{_GAP}(?:left|anti-?clockwise|counter-?clockwise)", "orbit-left", True),
        (r"orbit(?:s|ing|al)?|arc(?:s|ing)? (?:shot|around|round)|arc(?:ing)? move", "orbit-right", False),
        (rf"(?:arc|circl|rotat|revolv|swing|mov|travel|glid)(?:e|es|ing|s|ed)?{_GAP}(?:around|round)", "orbit-right", True),
        (r"hand[- ]?held(?! (?:device|phone|console|fan|mic\w*))|(?:camera|slight|subtle|shot) shak\w+|shaky ?cam|shaky", "hand-held", False),
        (r"ken[- ]?burns", "push-in", False),
        (r"parallax|2\.?5 ?d|depth effect|3d (?:photo|effect|depth)", "drift", False),
        (r"(?:drift|float|glid|sway|breath)(?:e|es|ing|s)?", "drift", True),
        (r"(?:camera|cam|lens|view)\w*(?: \w+){0,3} (?:mov|motion|travel|track)\w*|mov(?:ing|es?) (?:camera|cam|shot)", "drift", False),
        (r"(?:slow|gentle|subtle|smooth|slight) (?:camera|dolly|push|tracking|drift)(?: (?:move|movement|motion|shot))?", "push-in", False),
    )
)  # fmt: skip
"""How a move is put in prose, the move, and whether it is one only where a camera is named in that clause."""

FAST = {
    "slow": 0.6, "slowly": 0.6, "gentle": 0.6, "gently": 0.6, "slight": 0.5, "slightly": 0.5, "subtle": 0.5,
    "subtly": 0.5, "soft": 0.6, "softly": 0.6, "small": 0.5, "tiny": 0.4, "barely": 0.4, "minimal": 0.4,
    "fast": 1.5, "quick": 1.5, "quickly": 1.5, "rapid": 1.5, "dramatic": 1.5, "strong": 1.5,
}  # fmt: skip
"""How much of a move each adverb asks for."""

BEYOND = _phrases(
    r"(?:see|sees|show|shows|showing|reveal\w*) what(?:'s| is| lies| was)? (?:hidden |lying )?(?:inside|behind|beneath|under\w*|outside|around|within)",
    r"(?:travel|walk|mov|go|driv|rid|follow|head|glid)\w* (?:\w+ )?(?:along|down|through|into|deep(?:er)? into|up) (?:the|a|an) (?:\w+ )?"
    r"(?:path|road|street|corridor|hall\w*|tunnel|forest|woods|alley\w*|river|trail|stairs?|canyon|valley|cave|house|room|city|crowd|clouds?)"
    r"(?= .*\b(?:till|until|and see|to see|we|camera)\b|$)",
    r"deep(?:er)? into",
    rf"(?:camera|we|shot|drone|view|lens|it|pov|fpv){_GAP}(?:fl(?:y|ies|ying|ew)|soar\w*|swoop\w*|race\w*|racing|dive\w*|diving|plung\w+|rush\w*|hurtl\w+|zip\w*|weav\w+|spiral\w*)",
    r"fly(?:ing)?[- ]?(?:through|over|by|past|around|into|in|out|above|across|toward|towards|along)",
    r"fly-?(?:by|over|through)",
    r"flies (?:through|over|by|past|around|into|in|out|above|across|toward|towards|along)(?= .*\b(?:camera|drone)\b)",
    r"drone\w*",
    r"fpv",
    r"aerial\w*",
    r"bird'?s[- ]?eye\w*",
    r"first[- ]person",
    r"hyperlapse",
    r"crash zoom",
    r"whip[- ]pan\w*",
    r"snap zoom",
    r"bullet[- ]?time",
    r"infinite zoom\w*",
    r"one[- ]?take",
    r"walk[- ]?through",
    r"walkthrough",
    r"(?:steadicam|tracking shot|dolly shot|camera tracks) (?:follow\w*|through|along|behind|down)",
    r"reveal(?:s|ing|ed)?(?! (?:(?:a|his|her|their) (?:smile|grin|teeth)|post|trailer|video|party|clip))",
    r"360\w*(?:[- ]degrees?)?",
    r"180[- ]?degrees?",
    r"full (?:circle|rotation|orbit|turn|spin|turntable)",
    r"turn-?table\w*",
    r"(?:all the way|completely|fully) (?:a)?round",
    r"round the (?:corner|back|bend)",
    r"around the (?:corner|back|bend)",
    r"from (?:behind|all sides|every (?:side|angle)|multiple angles|above|below|the other side)",
    rf"(?:camera|shot|we|drone|view|lens|cam){_GAP}(?:through|behind|inside|beyond|past|along|beneath|underneath|under|over the|above the|into the (?!camera|lens|eyes|face|distance)\w+|across the|down the|up the|out of the|outside|follow\w*|chas\w+|track\w* alongside)",
    rf"(?:push|dolly|mov|go|zoom|travel|glid|track)\w*{_GAP}(?:through|inside|beyond)",
    r"(?:through|out of|into) (?:the|a) (?:window|door|doorway|tunnel|gate|keyhole|arch|mirror|screen|wall)\b",
    r"(?:circl|orbit|rotat|revolv|spin)\w* (?:all |completely |fully )?(?:behind|to (?:the|her|his) (?:back|other side))",
    r"shows? what (?:\w+ ){1,3}(?:sees?|is|lies|looks)",
    r"(?:other|new|next|different|another) (?:angle|side|room|camera angle|viewpoint|perspective)s?",
    r"(?:top|side|back|rear)[- ](?:down )?view",
    r"behind the scenes?",
    r"(?:see|show|showing|shows) (?:the|her|his|its) (?:back|other side|rear|(?:whole|entire|full) (?!picture|photo|image|still|artwork|painting|drawing|product|face|bottle|label))",
    r"(?:out|back|away|up) (?:to (?:show |see )?|and show |until (?:you|we|it) (?:sees?|shows?) )(?:the |a |all of )?(?:whole|entire|full|rest|surrounding\w*|wider|bigger|background|scene|crowd|city|room|landscape|house|street|valley|island|world)(?! (?:picture|photo|image|still|artwork|painting|drawing|product|face|bottle|label|page|panel|cover|poster))",
    r"space(?:-|\s)?zoom",
    r"crane (?:shot )?(?:up |over |above |high )+(?:over|above|to|into|out)\b.*",
    r"(?:sweeping|epic|grand|wide|soaring) (?:camera|crane|aerial|pull|orbit|shot|pan over|move)s?(?: \w+)?",
    r"rollercoaster|roller coaster",
)  # fmt: skip
"""A camera that would see what the picture does not hold."""
