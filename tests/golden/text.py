#!/usr/bin/python3
"""Makes text.h: what the text front end must give, written separately with Python's own Unicode tables.
Needs the module regex and the shared data (TERN_DATA, else ../shared/data) for the figures of
whole files.

    /usr/bin/python3 tests/golden/text.py > tests/golden/text.h
"""
import codecs
import csv
import os
import sys
import unicodedata

import regex

DATA = os.environ.get("TERN_DATA", os.path.join(os.path.dirname(__file__), "../../../shared/data"))

# Default_Ignorable_Code_Point, from Unicode's DerivedCoreProperties.txt.
IGNORED = regex.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]")
IDEOGRAPH = regex.compile(
    "[\u3005\u3007\u3041-\u3096\u309d-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003fffd]")


def decode(text):
    """Characters with their bytes: [(character, begin, end)]; broken UTF-8 as Python replaces it."""
    breaks = []

    def note(error):
        breaks.append((error.start, error.end))
        return "\ufffd", error.end

    codecs.register_error("note", note)
    characters, at = [], 0
    for c in text.decode("utf-8", "note"):
        if breaks and breaks[0][0] == at:
            end = breaks.pop(0)[1]
        else:
            end = at + len(c.encode())
        characters.append((c, at, end))
        at = end
    return characters


def normal(text, lower):
    text = IGNORED.sub("", text)
    if lower:
        text = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", text)


def kind(c):
    category = unicodedata.category(c)
    if c == "\ufffd":
        return "L"
    if category[0] == "L" or category in ("Nl", "Pc"):
        return "I" if IDEOGRAPH.match(c) else "L"
    if category in ("Nd", "No"):
        return "D"
    if category[0] == "M" or category == "Cf":
        return "E"
    if category[0] == "Z" or category == "Cc":
        return " "
    return "S"


# ---- Kim's rules: his regular expressions, with ( ) ? for the \( \) \? that Python 2 made of them ----

def clean_str(s):
    s = regex.sub(r"[^A-Za-z0-9(),!?\'\`]", " ", s)
    for form in ("'s", "'ve", "n't", "'re", "'d", "'ll"):
        s = s.replace(form, " " + form)
    for sign in ",!()?":
        s = s.replace(sign, " " + sign + " ")
    return regex.sub(r"\s{2,}", " ", s).strip()


def kim(text, lower):
    tokens = clean_str(text.decode("utf-8", "replace")).split()
    at, out = 0, []
    for t in tokens:  # the rules only insert and blank out, so tokens stand in the text in order
        at = text.index(t.encode(), at)
        out.append((t.lower() if lower else t, at, at + len(t)))
        at += len(t)
    return out


# ---- the others ----

def spaces(text, lower):
    out, run = [], []
    for c in decode(text) + [(" ", 0, 0)]:
        if kind(c[0]) != " ":
            run.append(c)
            continue
        if run:
            out.append((normal("".join(x[0] for x in run), lower), run[0][1], run[-1][2]))
        run = []
    return [t for t in out if t[0]]


def characters(text, lower):
    out, decoded = [], decode(text)
    places = {}
    n = 0
    for c in decoded:
        places[n] = c
        n += 1
    i = 0
    for cluster in regex.findall(r"\X", "".join(c[0] for c in decoded)):
        begin, end = places[i][1], places[i + len(cluster) - 1][2]
        i += len(cluster)
        if all(kind(c) == " " for c in cluster):
            if out and out[-1][0] == " ":
                out[-1] = (" ", out[-1][1], end)
            elif out:
                out.append((" ", begin, end))
            continue
        out += [(c, begin, end) for c in normal(cluster, lower)]
    if out and out[-1][0] == " ":
        out.pop()
    return out


CLITIC = regex.compile(r"^(.+?)(n['\u2019]t|['\u2019](?:s|m|d|re|ve|ll))$", regex.I | regex.S)
ADDRESS = regex.compile(r"(?:https?://|www\.)[^\s<>\"]+", regex.I)


def word_end(kinds, s, i):
    """The end of a word in s that begins at i."""
    piece = ""  # letters and digits since the last full stop
    while i < len(s):
        k = kinds[i]
        if k in "LD":
            piece += k
        elif k == "S":
            before = next(x for x in reversed(kinds[:i]) if x != "E")
            after = kinds[i + 1] if i + 1 < len(s) else " "
            if s[i] in "'\u2019" and after == "L" and before in "LD":
                pass
            elif s[i] in ".," and before == "D" and after == "D":
                if s[i] == ".":
                    piece = ""
            elif s[i] == "." and piece == "L" and after == "L":
                piece = ""
            else:
                break
        elif k != "E":
            break
        i += 1
    return i


def words(text, lower):
    decoded = decode(text)
    s = "".join(c[0] for c in decoded)
    kinds = [kind(c) for c in s]
    spans, i = [], 0  # (from, to, at most so many)
    while i < len(s):
        k = kinds[i]
        if k == " ":
            i += 1
            continue
        address = ADDRESS.match(s, i)
        if address:
            j = i + len(address.group().rstrip(".,!?:;)'"))
            spans.append((i, j, None))
        elif k in "LDE":
            j = word_end(kinds, s, i)
            cuts = [j]
            while len(cuts) < 4:
                m = CLITIC.match(s[i:cuts[0]])
                if not m:
                    break
                cuts.insert(0, i + len(m.group(1)))
            begin = i
            for cut in cuts:
                spans.append((begin, cut, None))
                begin = cut
        elif k == "I":
            j = i + len(regex.match(r"\X", s, pos=i).group())
            spans.append((i, j, None))
        else:
            following = kinds[i + 1] if i + 1 < len(s) else " "
            j = None
            if s[i] in "'\u2019" and following == "L":
                j = word_end(kinds, s, i + 1)
                if not regex.fullmatch(r".(s|m|d|re|ve|ll)", s[i:j], regex.I):
                    j = None
            elif s[i] in "@#" and following in "LD":
                j = i + 1
                while j < len(s) and kinds[j] in "LDE":
                    j += 1
            if j is not None:
                spans.append((i, j, None))
            elif ord(s[i]) < 128 and following != "E":
                j = i + len(regex.match(regex.escape(s[i]) + "+", s, pos=i).group())
                spans.append((i, j, 3))
            else:
                j = i + len(regex.match(r"\X", s, pos=i).group())
                spans.append((i, j, None))
        i = j
    out = []
    for a, b, most in spans:
        t = normal(s[a:b].replace("\u2019", "'"), lower)[:most]
        if t:
            out.append((t, decoded[a][1], decoded[b - 1][2]))
    return out


TOKENIZERS = {"words": words, "kim": kim, "spaces": spaces, "characters": characters}

CASES = [
    b"",
    b" \t\r\n ",
    b"A quiet, lovely film.",
    b"Don't you think it's I'd've GREAT!!!!!! movie.The U.S.A. won 3.14 or 1,000.",
    b"it's can't WON'T they're we'll he'd you've I'm o'clock rock'n'roll 90's dogs' 'quoted' 'tis",
    b"do n't 's it 's 'm ca n't ' s ''s n't's shouldn't've xn'tn't don`t (well-made) [x] a/b; c: d",
    b"http://t.co/abc). See (www.example.com/x?y=z&a=%20), HTTPS://X.Y! httpx www. http://",
    b"@user_name #tag @ # @@x #1 a@b.com C# C++ :-) ))) --- ... .. ?!?! $5 100% <br />x_y _",
    "Привет, МИР! Ёлка ёлка и\u0306 й Й МИХАИЛ Мишустин: меры".encode(),
    "Straße STRASSE ﬁn ΣΊΣΥΦΟΣ İstanbul ıI ǅ ẞ é e\u0301 É E\u0301 Å \u212b Ω \u2126".encode(),
    "don\u2019t it\u2019s \u2018quoted\u2019 \u201cwords\u201d d\u2019accord l\u2019homme \u2019s dogs\u2019 I\u2019ll".encode(),
    "日本語ひらがなカタカナです。漢字，𠮷野家 한국어 \u1112\u1161\u11ab\u1100\u1173\u11af ไทย हिंदी العربية עברית".encode(),
    "\u2764\ufe0f \u2639\ufe0f👍🏽👨\u200d👩\u200d👧 🇩🇪🇫🇷 😂😂 1\ufe0f\u20e3 ©™ №5 x² ½ Ⅳ".encode(),
    "co\u00adop zero\u200bwidth \u200b \ufeffmark a\u0300\u0323 a\u0323\u0300 \u0958 \U0001d15e a\u00a0b\u3000c\u2028d".encode(),
    b"caf\xe9 na\xefve \xff\xfe \xc3 \xe2\x82 \xe2\x82\xac \xf0\x9f\x98 \xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80 \x80x",
    b"e\xcc\x81\xcc a\xccb \xd0\x9f\xd1\xd0\x9f",
    b"tab\tand\x0bvertical\x0cfeed\x7fdelete\x1fend",
]


def quoted(text):
    out, octal = "", False
    for b in text:
        c = chr(b)
        if b == 10:
            out += "\\n"
        elif b < 32 or b > 126:  # three digits only where a digit follows
            out += "\\%o" % b
        else:
            if octal and c in "01234567" and len(out) - out.rindex("\\") < 4:
                out += '" "'
            out += "\\" + c if c in "\\\"?" else c
        octal = b != 10 and (b < 32 or b > 126)
    return '"' + out + '"'


def literal(text, indent):
    """A C string in rows of at most 100 columns."""
    rows, row = [], b""
    for i in range(len(text)):
        if len(quoted(row + text[i:i + 1])) > 92 - indent:
            rows.append(row)
            row = b""
        row += text[i:i + 1]
    rows.append(row)
    return ("\n" + " " * indent).join(quoted(r) for r in rows)


# ---- figures of whole files ----

def fnv64(h, data):
    for b in data:
        h = ((h ^ b) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return h


def texts_of(name):
    path = os.path.join(DATA, "text", name)
    if name.endswith(".csv"):
        with open(path, encoding="utf-8", newline="") as f:
            return [row["text"].encode() for row in csv.DictReader(f) if row["text"].strip()]
    with open(path, "rb") as f:
        return [line.rstrip(b"\r\n").split(b"\t", 1)[1] for line in f if line.strip()]


def figures(name, tokenizer, limit=None):
    counts, total, longest, h = {}, 0, 0, 14695981039346656037
    texts = texts_of(name)[:limit]
    for text in texts:
        tokens = TOKENIZERS[tokenizer](text, True)
        for t, begin, end in tokens:
            counts[t] = counts.get(t, 0) + 1
            h = fnv64(h, t.encode() + b"\n")
        h = fnv64(h, b"\n")
        total += len(tokens)
        longest = max(longest, len(tokens))
    first = sorted(counts.items(), key=lambda x: (-x[1], x[0].encode()))[:1000]
    ranks = fnv64(14695981039346656037, b"".join(w.encode() + b"\n" for w, _ in first))
    print('    {"%s", "%s", %d, %d, %d, %d,\n     %#xu, %#xu},' %
          (name, tokenizer, len(texts), total, len(counts), longest, h, ranks))


# ---- fastText's hashes ----

def fnv32(text):
    h = 2166136261
    for b in text.encode():
        h = ((h ^ (b | 0xFFFFFF00 if b > 127 else b)) * 16777619) & 0xFFFFFFFF
    return h


def subwords(word, low, high):
    w = "<" + word + ">"
    out = []
    for i in range(len(w)):
        for n in range(1, high + 1):
            if n < low or i + n > len(w) or (n == 1 and (i == 0 or i + n == len(w))):
                continue
            out.append(fnv32(w[i:i + n]))
    return out


def word_ngrams(tokens, n, buckets):
    signed = [h - (1 << 32) if h >= 1 << 31 else h for h in map(fnv32, tokens)]
    out = []
    for i in range(len(signed)):
        h = signed[i] & 0xFFFFFFFFFFFFFFFF
        for j in range(i + 1, min(len(signed), i + n)):
            h = (h * 116049371 + signed[j]) & 0xFFFFFFFFFFFFFFFF
            out.append(h % buckets)
    return out


def print_cases():
    print("static const text_case text_cases[] = {")
    for case in CASES:
        for name in TOKENIZERS:
            for lower in (True, False):
                tokens = TOKENIZERS[name](case, lower)
                if not lower and (name in ("kim", "spaces") or
                                  tokens == TOKENIZERS[name](case, True)):
                    continue
                expected = b"".join(t.encode() + b"|%d-%d\n" % (b, e) for t, b, e in tokens)
                broken = sum(c[0] == "\ufffd" for c in decode(case))
                print('    {"%s", %s, %d, %d, %d,\n     %s,\n     %s},' %
                      (name, str(lower).lower(), broken, len(case), len(tokens),
                       literal(case, 5), literal(expected, 5)))
    print("};\n")


def print_array(kind, name, values):
    print("static const %s %s[] = {" % (kind, name))
    for i in range(0, len(values), 7):
        print("    " + " ".join("%du," % v for v in values[i:i + 7]))
    print("};\n")


def main():
    print("/* Made by text.py: do not edit. Unicode %s. */" % unicodedata.unidata_version)
    print("typedef struct text_case {\n    const char *tokenizer;\n    bool lower;\n"
          "    size_t replaced, length, count;\n    const char *text;\n"
          "    const char *expected; /* a line per token: text|begin-end */\n} text_case;")
    print_cases()
    print("typedef struct text_figures {\n    const char *file, *tokenizer;\n"
          "    size_t texts, tokens, distinct, longest;\n    uint64_t hash, ranks;\n} text_figures;")
    print("static const text_figures text_files[] = {")
    figures("mr.tsv", "kim")
    figures("mr.tsv", "words")
    figures("trec.train.tsv", "kim")
    figures("rusentitweet_train.csv", "words")
    figures("rusentitweet_train.csv", "characters")
    figures("imdb.train.tsv", "words", 1000)
    print("};\n")
    print_array("uint32_t", "subwords_where", subwords("where", 3, 6))
    print_array("uint32_t", "subwords_privet", subwords("привет", 1, 3))
    print_array("uint32_t", "subwords_one", subwords("я", 1, 20))
    print_array("uint32_t", "ngrams_sentence",
                word_ngrams("не стоит the film is good !".split(), 3, 2000000))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
