"""File name extensions by which files are picked from a folder. The content decides what a file is."""

# By format, as in `veraface.imaging.formats.FORMATS`; a module of its own, as that one loads all decoders.
EXTENSIONS = {
    "JPEG": (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp"),
        *(".mpo",),  # of cameras with two lenses or views
        *(".jpg_large", ".jpg_small", ".jpg_orig", ".jpg_original", ".jpg!large"),  # of downloads and editors
    ),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".heics", ".heifs", ".hif"),  # the last: of Canon, Fujifilm and Sony cameras
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
}
IMAGE_EXTENSIONS = frozenset(extension for names in EXTENSIONS.values() for extension in names)
VIDEO_EXTENSIONS = frozenset(
    (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv")
)
