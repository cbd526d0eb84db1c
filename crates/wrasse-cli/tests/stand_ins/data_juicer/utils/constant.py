"""Fields of samples."""


class Fields:
    stats = "__dj__stats__"
    meta = "__dj__meta__"
