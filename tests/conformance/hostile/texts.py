"""JSON that readers understand differently, or that costs them dearly (RFC 8259, RFC 7493; security.md section 7)."""

from tests.conformance.hostile import Cases

case = Cases("json", "gate")
# --- bytes that are no text ------------------------------------------------------------------------------
case("nothing", b"", "gate-not-json")
case("blanks", b" \t\r\n", "gate-not-json")
case("bom", b"\xef\xbb\xbf{}", "gate-byte-order-mark", "RFC 8259 8.1: no byte-order mark")
case("bom-within", b"{\xef\xbb\xbf}", "gate-not-json")
case("utf-16-le", '{"a":1}'.encode("utf-16-le"), "gate-not-json", "half of its bytes are NUL")
case("utf-16-bom", '{"a":1}'.encode("utf-16"), "gate-not-utf-8")
case("utf-32", '{"a":1}'.encode("utf-32-be"), "gate-not-json")
case("latin-1", b'{"a":"\xe9"}', "gate-not-utf-8")
case("overlong-slash", b'{"a":"\xc0\xaf"}', "gate-not-utf-8", "a second spelling of one letter")
case("overlong-nul", b'{"a":"\xc0\x80"}', "gate-not-utf-8", "Java's NUL")
case("encoded-surrogate", b'{"a":"\xed\xa0\x80"}', "gate-not-utf-8", "CESU-8")
case("surrogate-pair-encoded", b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}', "gate-not-utf-8")
case("beyond-unicode", b'{"a":"\xf4\x90\x80\x80"}', "gate-not-utf-8")
case("cut-letter", b'{"a":"\xe2\x82"}', "gate-not-utf-8")
case("lone-continuation", b'{"a":"\x80"}', "gate-not-utf-8")
case("utf-7", b"+AHsAfQ-", "gate-not-json")
# --- escapes ---------------------------------------------------------------------------------------------
case("lone-high-surrogate", rb'{"a":"\ud800"}', "gate-escape")
case("lone-low-surrogate", rb'{"a":"\udc00"}', "gate-escape")
case("surrogates-turned-round", rb'{"a":"\ude00\ud83d"}', "gate-escape")
case("surrogate-in-a-key", rb'{"\ud800":1}', "gate-escape")
case("surrogate-pair", rb'{"a":"\ud83d\ude00"}', "fine")
case("nul-escaped", rb'{"a":"x\u0000y"}', "gate-nul", "C readers stop there")
case("nul-in-a-key", rb'{"a\u0000":1}', "gate-nul")
case("nul-raw", b'{"a":"\x00"}', "gate-not-json")
case("newline-raw", b'{"a":"\n"}', "gate-not-json")
case("unknown-escape", rb'{"a":"\x41"}', "gate-escape")
case("short-escape", rb'{"a":"\u12"}', "gate-escape")
case("escape-at-the-end", b'{"a":"\\', "gate-not-json")
# --- keys ------------------------------------------------------------------------------------------------
case(
    "key-twice", b'{"a":1,"a":2}', "gate-duplicate-key", "one reader takes the first, one the last"
)
case("key-twice-escaped", rb'{"a":1,"\u0061":2}', "gate-duplicate-key", "two spellings of one key")
case("key-twice-deep", b'{"x":[{"y":{"a":1,"a":1}}]}', "gate-duplicate-key")
case("key-empty-twice", b'{"":1,"":2}', "gate-duplicate-key")
case("keys-that-look-alike", '{"a":1,"\u0430":2}'.encode(), "fine", "Cyrillic a is another key")
case(
    "keys-of-two-normal-forms",
    '{"\u00e9":1,"e\u0301":2}'.encode(),
    "fine",
    "no form is normalised here",
)
case("key-a-number", b"{1:2}", "gate-not-json")
case("key-without-quotes", b"{a:1}", "gate-not-json")
case("proto", b'{"__proto__":{"admin":true}}', "fine", "a key like any other here")
# --- numbers ---------------------------------------------------------------------------------------------
case("nan", b'{"a":NaN}', "gate-not-json")
case("infinity", b'{"a":-Infinity}', "gate-number")
case("overflow", b'{"a":1e400}', "gate-number")
case("two-to-53", b'{"a":9007199254740992}', "gate-number", "RFC 7493 2.2: doubles lose it")
case("two-to-53-less-one", b'{"a":9007199254740991}', "fine")
case("two-to-64", b'{"a":18446744073709551616}', "gate-number", "orjson rounds it")
case("five-thousand-digits", b'{"a":' + b"9" * 5000 + b"}", "gate-number", "quadratic to read")
case("a-million-digits", lambda: b'{"a":' + b"9" * 1_000_000 + b"}", "gate-number")
case("a-million-decimals", lambda: b'{"a":0.' + b"1" * 1_000_000 + b"}", "fine", "cost stays small")
case("tiny", b'{"a":1e-400}', "fine", "it is nought to everybody")
case("whole-as-float", b'{"a":9007199254740993.0}', "gate-number")
case("leading-nought", b'{"a":01}', "gate-number")
case("plus", b'{"a":+1}', "gate-not-json")
case("hexadecimal", b'{"a":0x10}', "gate-not-json")
case("point-first", b'{"a":.5}', "gate-not-json")
case("point-last", b'{"a":5.}', "gate-number")
case("minus-alone", b'{"a":-}', "gate-number")
# --- form ------------------------------------------------------------------------------------------------
case("comma-at-the-end", b'{"a":1,}', "gate-not-json")
case("comment", b'{"a":1 /* x */}', "gate-not-json")
case("two-values", b"{} {}", "gate-not-json", "what follows is smuggled")
case("text-behind", b"{}x", "gate-not-json")
case("cut-short", b'{"a":[1,2', "gate-not-json")
case("single-quotes", b"{'a':1}", "gate-not-json")
case("true-in-capitals", b'{"a":True}', "gate-not-json")
case("depth-64", b'{"a":' + b"[" * 63 + b"]" * 63 + b"}", "fine")
case("depth-65", b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "gate-too-deep")
case("depth-100000", lambda: b"[" * 100_000, "gate-too-deep", "Python's reader overflows its stack")
case("depth-of-objects", lambda: b'{"a":' * 100_000, "gate-too-deep")
case(
    "a-million-keys",
    lambda: b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}",
    "fine",
)
case("ten-million-noughts", lambda: b"[" + b"0," * 9_999_999 + b"0]", "gate-too-many")
case("five-million-noughts", lambda: b"[" + b"0," * 5_000_000 + b"0]", "fine")
case("65-mebibytes", lambda: b'"' + b"x" * (65 << 20) + b'"', "gate-too-long")
case("only-opening-quotes", lambda: b'"' * 1_000_000, "gate-not-json")
case("backslashes", lambda: b'{"a":"' + b"\\\\" * 1_000_000 + b'"}', "fine")
