# -*- coding: utf-8 -*-


def inside(length, limits):
    """区间判断"""
    return limits[0] <= length <= limits[1]
