"""Hints from the size of an image: screens, and the sizes to which messengers reduce what they send."""

from veraface.provenance.claims import Finding

# Width and height of screens, the smaller one first: phones and tablets, then computers. Sizes that cameras
# and videos have too, such as 1920 x 1080, are left out.
_SCREENS = {(640, 1136), (750, 1334), (828, 1792), (1125, 2436), (1170, 2532), (1179, 2556), (1206, 2622)}
_SCREENS |= {(1242, 2208), (1242, 2688), (1284, 2778), (1290, 2796), (1320, 2868)}  # Apple, by 2025
_SCREENS |= {(720, 1600), (1080, 2160), (1080, 2220), (1080, 2280), (1080, 2310), (1080, 2340), (1080, 2376)}
_SCREENS |= {(1080, 2388), (1080, 2400), (1080, 2408), (1080, 2412), (1080, 2460), (1220, 2712), (1344, 2992)}
_SCREENS |= {(1440, 2960), (1440, 3040), (1440, 3088), (1440, 3120), (1440, 3168), (1440, 3200)}  # Android
_SCREENS |= {(1488, 2266), (1620, 2160), (1640, 2360), (1668, 2224), (1668, 2388), (1668, 2420)}  # tablets
_SCREENS |= {(768, 1366), (800, 1280), (864, 1536), (900, 1440), (900, 1600), (1050, 1680), (1200, 1920)}
_SCREENS |= {(1440, 2560), (1600, 2560), (1664, 2560), (1800, 2880), (1864, 2880), (1964, 3024), (2234, 3456)}
# Longer side, in pixels, to which services reduce photos by default, as observed in 2024 to 2026. They change
# such numbers without notice, and other programs use the same ones.
_LONG_SIDES = {
    1280: "Telegram",
    1600: "WhatsApp and Signal",
    2048: "Facebook and Messenger",
    2560: "Telegram (HD)",
}


def find_size_hints(width: int, height: int, kind: str, *, has_camera: bool) -> list[Finding]:
    """Return what the size suggests about where the file comes from. A camera's data rule all of it out."""
    if has_camera:
        return []
    size = f"{width} x {height} px"
    if (min(width, height), max(width, height)) in _SCREENS:
        return [Finding("screen_size", f"has the size of a screen, {size}: may be a screenshot")]
    name = _LONG_SIDES.get(max(width, height))
    if name is None or kind not in ("JPEG", "WEBP"):
        return []
    message = f"its longer side is {max(width, height)} px, as after sending it with {name}"
    return [Finding("messenger_size", f"{message}; other programs use that size too")]
