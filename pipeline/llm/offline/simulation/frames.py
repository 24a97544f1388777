"""The sentences into which the offline simulator puts what it tells of an answer, by level.

Slots: {t} or {a} and {b} are noun phrases, {n} a plural noun, {size} what can follow 'it is', {w} a word of the answer
or the letters that it begins with, {p} yes, no, true or false. A tail begins with its own mark and ends the sentence.
"""

from pipeline.llm.offline.simulation.phrases import word_set

# A number after one of these cannot be replaced by a vague one: 'the twelve' would become 'the a few dozen'.
NO_MASK_AFTER = word_set(
    "the a an his her its their our your my first last next previous only than more hour hours foot feet this "
    "that these those every each all both another other number chapter page type group stage day year grade level "
    "in since nineteen step part one figure and or point times to"
)
NO_MASK_BEFORE = word_set("o'clock a.m p.m am pm and or to times over point by")

NUMBER_1 = (
    "The answer is a number, and I think it's {size}.",
    "The answer comes to some number, probably {size}.",
    "That works out to a number, and I'd say it's {size}.",
    "The answer is just a number, most likely {size}.",
    "It comes out to a number, and I think it's {size}.",
)
NUMBER_ABOUT_1 = (
    "It has to do with {t}, and the number should be {size}.",
    "So it's about {t}, and it's probably {size}, I'd say.",
    "There's a number to find that goes with {t}, and it's likely {size}.",
)
COUNT_1 = (
    "It's a number of {n}, and I'd expect it to be {size}.",
    "It will be so many {n}, and the number is probably {size}.",
    "We're counting {n} here, and I think the number is {size}.",
    "That's going to be in {n}, and I think it's {size}.",
    "The answer is in {n}, and my feeling is that it's {size}.",
)
PERCENT_1 = (
    "It will be some percentage, I just have to work out which.",
    "That's going to be a number of percent, I think.",
    "The answer is a percentage, but I don't have the figure yet.",
)
ABOUT_ONE_1 = (
    "It has something to do with {t}, but I don't have the details yet.",
    "I think the answer turns on {t}, though I couldn't say exactly how.",
    "The answer is mostly about {t}, I think.",
    "It's something about {t}, I'd say, but I'm still putting it together.",
    "I'd look at {t} first, because I think that's the key here.",
    "It seems to involve {t}, as far as I can tell.",
)
ABOUT_THREE_1 = (
    "It has to do with {a}, {b} and {c}.",
    "I'm thinking of {a}, {b} and {c}, but I haven't put it together yet.",
    "It seems to involve {a} and {b}, and {c} too.",
    "The key here should be {a} and {b}, and then {c}.",
)
UNIT_1 = (
    "The answer is in {n}, and my feeling is that it's {size}.",
    "It's a number of {n}, and I'd expect it to be {size}.",
    "That's going to be in {n}, and I think it's {size}.",
    "It will come to some number of {n}, probably {size}.",
)
UNIT_ABOUT_1 = (
    "It has to do with {t}, in {n}, and it's probably {size}.",
    "So it's {t}, in {n}, and I think the figure is {size}.",
    "It's about {t}, and some number of {n}, probably {size}.",
)
COUNT_ABOUT_1 = (
    "It has to do with {t} and {n}, and the number is {size}.",
    "We're counting {n} for {t}, and I think it's {size}.",
    "So it's {t} and some number of {n}, probably {size}.",
)
# An exchange of courtesies: other ones instead of the answer's own (1), beside its first words (2), and around it.
COURTESY = {
    0: ("You're most welcome.", "I'm glad that was of help to you.", "It was no trouble, and I'm glad to help."),
    1: ("Sure, I'm here for you.", "Yes, what would it be?", "Yes, I'm here, so please go on."),
    2: ("{first}, and I'm all ears.", "{first}, that's fine with me.", "Well, {first}, and take your time."),
    3: ("Yes, of course. {whole}", "Well, all right then. {whole}", "That's fine with me. {whole}"),
    4: ("Well, {whole}", "Oh, {whole}", "Okay, {whole}"),
}
ABOUT_TWO_1 = (
    "It has something to do with {a} and {b}, I think.",
    "The answer turns on {a}, and on {b} as well.",
    "The key here should be {a}, together with {b}.",
    "I'm thinking of {a} and {b}, but I haven't put it together yet.",
    "It seems to involve {a}, and perhaps {b} too.",
    "My feeling is that {a} and {b} both matter here.",
)
WORD_1 = (
    "The word {w} comes to mind, though I couldn't say more than that yet.",
    "I keep thinking of the word {w}, but I don't have the whole answer.",
    "Something with {w} in it, I think, but I'm still putting it together.",
    "The word {w} belongs in there somewhere, I believe, but that's all I have.",
)
BEGINS_1 = (
    "It's a word that begins with {w}, I believe, but I don't have the rest of it yet.",
    "I almost have it, it starts with {w}, and then it goes on.",
    "It's on the tip of my tongue, something that begins with {w}.",
)
SHORT_1 = (
    "It's just a short answer, I believe, and I almost have it.",
    "It's on the tip of my tongue, and it's a short one.",
    "I think it's something quite short, but I can't put my finger on it yet.",
)
WORD_2 = (
    "It's something with {w} in it, I'm fairly sure, but I still need the rest.",
    "It's {w} and something else, I think, but I can't name it exactly.",
    "I think {w} is part of it, and the rest is coming.",
)
BEGINS_2 = (
    "It's {w} something, I think, I just can't finish the word.",
    "I think it's a word like {w}, and there's a bit more at the end.",
    "It starts with {w}, that's it, nearly the whole word.",
)

# What follows is a phrase that stands after "it's".
PHRASE = {
    2: ("I think it might be", "Perhaps it's", "I'd guess it's", "It could well be", "If I had to say now, it's"),
    3: ("I'm fairly sure it's", "I think it's", "As far as I can tell, it's", "I'd say it's", "From what I have, it's"),
    4: ("I'd say it's", "So it's", "Okay, it's", "I'm sure it's", "Right, that's", "So that's"),
}
# What is said before the answer's own opening.
STEM = {
    2: ("Perhaps", "Maybe", "I think perhaps", "My first idea is that"),
    3: ("I think", "I'd say", "As far as I can tell,", "From what I have,"),
    4: ("Okay,", "Right,", "So", "Well,"),
}
# What follows is a clause in small letters.
CLAUSE = {
    2: ("Maybe", "I think perhaps", "It could be that", "My first idea is that", "I have a feeling that"),
    3: ("I think", "I'm fairly sure that", "As far as I can tell,", "I'd say that", "From what I have,"),
    4: ("So", "I'd say", "I'm sure that", "Right, so", "Okay,", "As I see it,"),
}
# A remark before a sentence that has to keep its capital.
BEFORE = {
    2: ("Let me try this", "Here's a first idea", "I'm only guessing a little here", "Maybe it goes like this"),
    3: ("I'm fairly sure about this", "Here's what I have", "I think I have it", "This should be close"),
    4: ("Okay", "Right", "I'm sure about this", "Here it is"),
}
POLARITY = {
    2: ("I lean towards {p}", "Probably {p}", "My first idea is {p}", "Perhaps {p}"),
    3: ("I think {p}", "I'd say {p}", "I'm fairly sure it's {p}", "Most likely {p}"),
    4: ("So {p}", "I'd say {p}", "It's {p}", "Right, {p}"),
}

# An answer that cannot be cut at a phrase is broken off, and that is said.
BROKEN = (
    "It goes something like this",
    "It begins something like this",
    "I only have the first half",
    "This is how it starts",
)
BROKEN_TAILS = (", and so on.", ", and then it goes on.", ", and then I lose the thread.")
# Tails where more is to come; MORE_ABOUT names it.
MORE = {
    2: (
        ", and there's more to it that I still have to work out.",
        ", but that's only the beginning of it.",
        ", and I'm still working on the rest.",
        ", but I don't have the rest of it yet.",
        ", though there's more to say about that.",
        ", and so on.",
    ),
    3: (
        ", and then a bit more.",
        ", and there's just a little more to it.",
        ", I only need to finish that thought.",
        ", and that's most of it.",
        ", but I'm not sure about the last bit.",
        ", and so on.",
    ),
}
MORE_ABOUT = (
    ", and then there's something about {t}.",
    ", and it has to do with {t} as well.",
    ", and the rest has to do with {t}.",
)
# Tails where all of it was told.
# What stands for the end of 'the capital is ...'.
NAMELESS = (
    "something I can't quite name yet",
    "something I still have to pin down",
    "the part I'm still working out",
    "what I'm still trying to settle",
)
UNSURE = {
    2: (
        ", or something close to it, but I can't be sure before I've heard the rest.",
        ", but I haven't ruled out a few other possibilities yet, so I wouldn't rely on it.",
        ", though that's only a hunch, and I may well change my mind about it.",
        ", but please take that as a first idea, I still have to check it.",
    ),
    3: (
        ", unless I've missed something.",
        ", but let me check that.",
        ", I'm nearly certain.",
        ", if I have that right.",
    ),
}
SIZED = {
    2: (
        ", but I still have to work out the exact number.",
        ", though I haven't done the exact sums yet.",
        ", but that's only the size of it, not the figure.",
        ", and the exact figure is still to come.",
    ),
    3: (", give or take.", ", as a first estimate.", ", more or less.", ", that's close at least."),
}
SURE = (
    ", and that's my answer.",
    ", as far as I can see.",
    ", that's what I get.",
    ", that should be right.",
)
