"""What makes a run of characters a card number, an account number or an address: arithmetic.

Each function takes what a pattern found and returns how many of its characters, from the start,
are the thing; 0 when it is not one. So a pattern may reach too far and the check cuts it back.
"""

import ipaddress

_SHORTEST_CARD = 13
_FEWEST_HEX_DIGITS = 5
_LETTER_VALUES = {ord("A") + n: str(10 + n) for n in range(26)}
_DOUBLED = dict(zip("0123456789", (0, 2, 4, 6, 8, 1, 3, 5, 7, 9), strict=True))

IBAN_LENGTHS = dict.fromkeys(("NO",), 15)
IBAN_LENGTHS |= dict.fromkeys(("BE",), 16)
IBAN_LENGTHS |= dict.fromkeys(("DK", "FI", "FK", "FO", "GL", "NL", "SD"), 18)
IBAN_LENGTHS |= dict.fromkeys(("MK", "SI"), 19)
IBAN_LENGTHS |= dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20)
IBAN_LENGTHS |= dict.fromkeys(("CH", "HR", "LI", "LV"), 21)
IBAN_LENGTHS |= dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22)
IBAN_LENGTHS |= dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23)
IBAN_LENGTHS |= dict.fromkeys(
    ("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24
)
IBAN_LENGTHS |= dict.fromkeys(("LY", "PT", "ST"), 25)
IBAN_LENGTHS |= dict.fromkeys(("IS", "TR"), 26)
IBAN_LENGTHS |= dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27)
IBAN_LENGTHS |= dict.fromkeys(
    ("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28
)
IBAN_LENGTHS |= dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29)
IBAN_LENGTHS |= dict.fromkeys(("JO", "KW", "MU", "YE"), 30)
IBAN_LENGTHS |= dict.fromkeys(("MT", "SC"), 31)
IBAN_LENGTHS |= dict.fromkeys(("LC",), 32)
IBAN_LENGTHS |= dict.fromkeys(("RU",), 33)
"""Characters of an IBAN by country. Source: SWIFT, IBAN Registry (ISO 13616), release 99."""


def card_length(found: str) -> int:
    """Return the length of the payment card number that `found` starts with.

    The issuer's number ranges and lengths and the check digit (Luhn, ISO/IEC 7812-1) must agree.
    """
    ends = _digit_group_ends(found)
    for end in reversed(ends):
        digits = found[:end].replace(" ", "").replace("-", "")
        if len(digits) < _SHORTEST_CARD:
            return 0
        if _is_card_range(digits) and _passes_luhn(digits):
            return end
    return 0


def iban_length(found: str) -> int:
    """Return the length of the IBAN that `found` starts with (ISO 13616, remainder 1 mod 97)."""
    characters = IBAN_LENGTHS.get(found[:2])
    end = 0 if characters is None else _end_of_characters(found, characters)
    if not end or found[end : end + 1].strip():
        return 0
    compact = found[:end].replace(" ", "")
    return end if int((compact[4:] + compact[:4]).translate(_LETTER_VALUES)) % 97 == 1 else 0


def ssn_length(found: str) -> int:
    """Return the length of a US social security number, 0 for one that is never issued.

    Source: https://www.ssa.gov/employer/randomization.html (area 000, 666 and 900 to 999, group 00
    and serial 0000 are not used).
    """
    area, group, serial = found[:3], found[4:6], found[7:]
    is_issued = area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
    return len(found) if is_issued else 0


def ipv4_length(found: str) -> int:
    """Return the length of an IPv4 address whose four numbers are each at most 255."""
    return len(found) if all(int(part) <= 255 for part in found.split(".")) else 0


def ipv6_length(found: str) -> int:
    """Return the length of an IPv6 address.

    Five hexadecimal digits at least, or `a::b` in a program would be one.
    """
    address = found.rstrip(":") if not found.endswith("::") else found
    if sum(char not in ":." for char in address) < _FEWEST_HEX_DIGITS:
        return 0
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return 0
    return len(address)


def key_length(found: str) -> int:
    """Return the length of an API key; one of small letters only is a hyphenated word."""
    return len(found) if any(char.isdigit() or char.isupper() for char in found) else 0


def email_length(found: str) -> int:
    """Return the length of the email address that `found` starts with.

    Its last label must hold a letter; labels after that one belong to the sentence.
    """
    end = len(found)
    while True:
        dot = found.rfind(".", 0, end)
        if dot < found.index("@"):
            return 0
        label = found[dot + 1 : end].rstrip("-")
        if any(char.isalpha() for char in label):
            return dot + 1 + len(label)
        end = dot


def _digit_group_ends(found: str) -> list[int]:
    """Return the positions after the last digit of each group of digits."""
    ends = [position for position, char in enumerate(found) if not char.isdigit()]
    return [*ends, len(found)]


def _end_of_characters(found: str, characters: int) -> int:
    """Return the position after that many characters, spaces not counted; 0 when it has fewer."""
    if " " not in found:
        return characters if len(found) >= characters else 0
    counted = 0
    for position, char in enumerate(found):
        counted += char != " "
        if counted == characters:
            return position + 1
    return 0


def _is_card_range(digits: str) -> bool:
    """Compare with the ranges of ISO/IEC 7812: Visa, Mastercard, Amex, Discover, Diners, JCB."""
    length, two, four = len(digits), int(digits[:2]), int(digits[:4])
    if digits[0] == "4":
        return length in {13, 16, 19}
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return length == 16
    if two in {34, 37}:
        return length == 15
    if two in {30, 36, 38, 39}:
        return 14 <= length <= 19
    return (two in {35, 62, 64, 65} or four == 6011) and 16 <= length <= 19


def _passes_luhn(digits: str) -> bool:
    total = sum([int(char) for char in digits[-1::-2]])
    return (total + sum([_DOUBLED[char] for char in digits[-2::-2]])) % 10 == 0
