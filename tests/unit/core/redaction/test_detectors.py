"""What is recognised, and what only looks like it."""

import pytest

from pointsman.core.redaction.detectors import DETECTORS
from pointsman.core.redaction.engine import Redactor

REDACTOR = Redactor()
RANDOM_48 = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF3hJ5kL7nP9rS1uV3"
# Written in pieces, so that no scanner takes them for leaked keys.
PEM = (
    "-----BEGIN " + "RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,F0\n\n"
    "MIIEowIBAAKCAQEA7bq+/=\nqf83\n-----END " + "RSA PRIVATE KEY-----"
)
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1g"

FOUND = [
    ("bob@example.com", "email"),
    ("first.last+tag@mail.example.co.uk", "email"),
    ("josé@exämple.de", "email"),
    ("b@x.io", "email"),
    ("x" * 90 + "@example.com", "email"),
    ("4111 1111 1111 1111", "credit_card"),
    ("4111-1111-1111-1111", "credit_card"),
    ("5555555555554444", "credit_card"),
    ("2223003122003222", "credit_card"),
    ("378282246310005", "credit_card"),
    ("3782 822463 10005", "credit_card"),
    ("6011111111111117", "credit_card"),
    ("30569309025904", "credit_card"),
    ("3530111333300000", "credit_card"),
    ("DE89 3704 0044 0532 0130 00", "iban"),
    ("GB29NWBK60161331926819", "iban"),
    ("NO9386011117947", "iban"),
    ("MT84MALT011000012345MTLCAST001S", "iban"),
    ("123-45-6789", "us_ssn"),
    ("123 45 6789", "us_ssn"),
    ("192.168.1.77", "ip_address"),
    ("8.8.8.8", "ip_address"),
    ("2001:db8::ff00:42:8329", "ip_address"),
    ("fe80::1ff:fe23:4567:890a", "ip_address"),
    ("2001:0db8:0000:0000:0000:ff00:0042:8329", "ip_address"),
    ("::ffff:192.0.2.128", "ip_address"),
    ("+14155550100", "phone"),
    ("+49 (30) 1234-5678", "phone"),
    ("+44 20 7946 0958", "phone"),
    ("(415) 555-0100", "phone"),
    ("415-555-0100", "phone"),
    ("415.555.0100", "phone"),
    (PEM, "private_key"),
    (PEM.replace("\n", "\\n"), "private_key"),
    (PEM[:90], "private_key"),
    ("-----BEGIN " + "PRIVATE KEY-----\nMIIE\n-----END " + "PRIVATE KEY-----", "private_key"),
    (JWT, "jwt"),
    ("sk-" + RANDOM_48, "api_key"),
    ("sk-proj-" + RANDOM_48, "api_key"),
    ("sk-ant-api03-" + RANDOM_48, "api_key"),
    ("sk-lf-0a1b2c3d-1111-2222-3333-444455556666", "api_key"),
    ("pk-lf-0a1b2c3d-1111-2222-3333-444455556666", "api_key"),
    ("AKIA" + "IOSFODNN7EXAMPLE", "api_key"),
    ("ASIA" + "IOSFODNN7EXAMPLE", "api_key"),
    ("ghp_" + RANDOM_48[:36], "api_key"),
    ("ghs_" + RANDOM_48[:36], "api_key"),
    ("github_pat_" + RANDOM_48, "api_key"),
    ("xoxb-" + "123456789012-abcdefABCDEF", "api_key"),
    ("xoxp-" + "123456789012-abcdefABCDEF", "api_key"),
    ("AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "api_key"),
    ("glpat-" + RANDOM_48[:20], "api_key"),
    ("lsv2_pt_" + "0123456789abcdef0123456789abcdef_0123456789", "api_key"),
    ("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "api_key"),
    ("nvapi-" + RANDOM_48, "api_key"),
    ("gsk_" + RANDOM_48, "api_key"),
    ("xai-" + RANDOM_48, "api_key"),
    ("hf_" + RANDOM_48[:34], "api_key"),
]


@pytest.mark.parametrize(("text", "name"), FOUND)
def test_it_is_found_alone_and_within_a_sentence(text, name):
    """OBS-07: markers stand in place of what was found, at any border of words."""
    for before, after in [("", ""), ("see ", " now"), ("(", ")"), ('"', '",'), ("a: ", ".\n")]:
        redacted = REDACTOR.redact(before + text + after)

        # A cut-off private key has no end, so it takes what follows with it.
        kept = "" if text == PEM[:90] else after
        assert redacted.text == f"{before}[redacted: {name}]{kept}"
        assert redacted.counts == {name: 1}


@pytest.mark.parametrize(("text", "name"), FOUND)
def test_it_is_found_after_an_escaped_line_end(text, name):
    """Prompts often hold JSON in a string: the `n` of `\\n` is no letter of the text."""
    redacted = REDACTOR.redact("first line\\n" + text)

    assert redacted.counts == {name: 1}
    assert text not in redacted.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: [redacted: authorization]"),
        (
            "authorization: Basic dXNlcjpwYXNz\nHost: x",
            "authorization: [redacted: authorization]\nHost: x",
        ),
        ('{"Authorization": "Bearer tok"}', '{"Authorization": "[redacted: authorization]"}'),
        (
            '{\\"authorization\\": \\"Token abc\\"}',
            '{\\"authorization\\": \\"[redacted: authorization]\\"}',
        ),
        (
            "curl -H 'Authorization: Bearer abc' url",
            "curl -H 'Authorization: [redacted: authorization]' url",
        ),
        (
            'Authorization: Digest username="Mufasa", nonce="x"\nnext',
            "Authorization: [redacted: authorization]\nnext",
        ),
        (
            "the token is bearer 0123456789abcdefXYZ",
            "the token is bearer [redacted: authorization]",
        ),
        ("x-api-key: 0123456789abcdef!", "x-api-key: [redacted: api_key]"),
        ('OPENAI_API_KEY="0123456789abcdef"', 'OPENAI_API_KEY="[redacted: api_key]"'),
        ("Cookie: sid=31d4; theme=dark\nHost: x", "Cookie: [redacted: cookie]\nHost: x"),
        (
            '{"Set-Cookie": "sid=31d4; Path=/", "a": 1}',
            '{"Set-Cookie": "[redacted: cookie]", "a": 1}',
        ),
        (
            "postgres://app:p@ss:w@db.local:5432/x",
            "postgres://[redacted: url_credentials]@db.local:5432/x",
        ),
        ("https://:secret@host/", "https://[redacted: url_credentials]@host/"),
        ("call mobile no. 0171 2345678 today", "call mobile no. [redacted: phone] today"),
        ("Tel: 030/1234567", "Tel: [redacted: phone]"),
        ("card 4111 1111 1111 1111 123 ok", "card [redacted: credit_card] 123 ok"),
        ("IBAN DE89370400440532013000 BIC", "IBAN [redacted: iban] BIC"),
        ("from fe80::1ff:fe23:4567:890a: down", "from [redacted: ip_address]: down"),
        ("[2001:db8::8a2e:370:7334]:443", "[[redacted: ip_address]]:443"),
        ("bob@a.io,eve@b.io", "[redacted: email],[redacted: email]"),
    ],
)
def test_only_the_value_is_replaced(text, expected):
    """Names of headers and hosts of URLs stay readable."""
    assert REDACTOR.redact(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox; summarise: what happened?",
        "Authorization: granted",
        "cookie: chocolate chip, bearer of news",
        "4111 1111 1111 1112",
        "1790000000000000000",
        "1790000000123",
        "order 1234567890123456",
        "0000 0000 0000 0000",
        "DE89 3704 0044 0532 0130 01",
        "XX89370400440532013000",
        "000-12-3456 666-12-3456 912-12-3456 123-00-4567 123-45-0000",
        "2024-01-15T10:30:00.123456Z",
        "2024-01-15 10:30:00",
        "version 1.2.3 and 1.2.3.4.5 and 256.1.1.1 and v10.0.0",
        "std::vector<int> a::b c::d[10::20] ::1 12:30:45",
        "00:1b:44:11:3a:b7",
        "x@y and @mention and 20 @ $5, foo@bar",
        "user@1.2",
        "sk-learn-and-something-else-in-words task-oriented-programming-style",
        "risk-adjusted-return-2024 eyJ eyJabc AKIA_NOT",
        "https://example.com:8080/a?b=c@d http://a/b:c@d",
        "1,234,567.89 + 3.14159 = 42%",
        "d41d8cd98f00b204e9800998ecf8427e 550e8400-e29b-41d4-a716-446655440000",
        "555-1234 12-34-56 call 911",
        "api_key = os.environ['OPENAI_API_KEY_FOR_TESTS']",
        "api-key: put_your_own_key_here",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "gpt-4o-mini-2024-07-18 claude-sonnet-4-5-20250929 chatcmpl-9aBcDeFgHiJkLmNoPqRsT",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text):
    """A false alarm takes away what a reader needs."""
    redacted = REDACTOR.redact(text)

    assert redacted.text == text
    assert redacted.counts == {}


def test_every_row_of_the_table_is_tried_by_an_example():
    """A row nobody tried may not match at all."""
    unused = [
        row
        for row in DETECTORS
        if not any(row.name == name and row.pattern.search(text) for text, name in FOUND)
        and row.name not in {"authorization", "cookie", "url_credentials"}
    ]

    # Written with the names that stand before them, in the test of values above.
    assert [(row.name, row.needles[:1]) for row in unused] == [
        ("api_key", ("pi-key",)),
        ("api_key", ("pi-key",)),
        ("api_key", ("gho_",)),
        ("api_key", ("ghu_",)),
        ("api_key", ("ghr_",)),
        ("api_key", ("sk_live_",)),
        ("api_key", ("rk_live_",)),
        ("phone", ()),
    ]
