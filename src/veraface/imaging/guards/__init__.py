"""Guards: one function per container format, called once for each file before its decoder.

Decoders follow every instruction of a file: a JPEG of 1 MB may ask for thousands of passes over 50
megapixels, a TIFF of 1 MB for its 64 kB of metadata to be copied 5,000 times. A guard walks the parts of the
file once, refuses such files in milliseconds (`UnreadableImageError`), and returns what it found on the way
as a `ContainerInfo`. All limits are far above what real images need. The table of guards is
`veraface.imaging.formats.FORMATS`.
"""
