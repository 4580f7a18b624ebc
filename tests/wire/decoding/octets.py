"""Reading big-endian fields out of bytes, with errors that say where and what."""


class Malformed(ValueError):
    """`byte OFFSET: FIELD: what is wrong`; the offset counts in the bytes that were being read."""

    def __init__(self, at, field, wrong):
        super().__init__(f"byte {at}: {field}: {wrong}")


class Short(Malformed):
    """The bytes end inside a field."""


class Reader:
    """Walks over data[at:end]; offsets in errors count from the beginning of `data`."""

    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    @property
    def left(self):
        return self.end - self.at

    def bytes(self, size, field):
        if self.left < size:
            raise Short(self.at, field, f"{size} bytes are needed, {self.left} are left")
        self.at += size
        return bytes(self.data[self.at - size:self.at])

    def number(self, size, field):
        return int.from_bytes(self.bytes(size, field), "big")

    def bits(self, field, *widths):
        """The next bytes as fields of `widths` bits, first the most significant."""
        total = sum(widths)
        value, found = self.number(total // 8, field), []
        for width in widths:
            total -= width
            found.append(value >> total & ((1 << width) - 1))
        return found

    def rest(self):
        return self.bytes(self.left, "rest")

    def part(self, size, field):
        """A reader of the next `size` bytes, with the same offsets."""
        self.bytes(size, field)
        return Reader(self.data, self.at - size, self.at)

    def demand(self, right, field, wrong, back=0):
        """`back`: how many bytes before this place the field starts."""
        if not right:
            raise Malformed(self.at - back, field, wrong)


def known(value, width):
    """A field of `width` bits; all ones say that the node could not tell."""
    return None if value == (1 << width) - 1 else value


def ones_sum(data):
    """The 16-bit one's complement sum of RFC 1071, an odd last byte padded with zero."""
    data = bytes(data) + bytes(len(data) % 2)
    total = sum(int.from_bytes(data[at:at + 2], "big") for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
