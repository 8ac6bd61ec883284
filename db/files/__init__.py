"""Files of records behind one face: text with separated columns, workbooks, JSON lines and address cards.

`reading.py` is the way in: `look` tells how a file is to be read, `records` reads it, `count` reads it to its end.
"""
