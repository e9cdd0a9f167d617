"""
21 functions that call each other, from level_1 to level_21, and an mmap of 1234 bytes in the last one.

Expected: one allocation by mmap of 1234 bytes. Its Python frames are level_21 … level_1 and <module>, innermost first,
each at the line that ends in `# level N` (`# level 0`: <module>).
"""
import mmap

from sites import finish, wait_for_gate

wait_for_gate()


def level_21():
    return mmap.mmap(-1, 1234)  # level 21


def level_20():
    return level_21()  # level 20


def level_19():
    return level_20()  # level 19


def level_18():
    return level_19()  # level 18


def level_17():
    nothing = None
    # a line without code
    return nothing or level_18()  # level 17


def level_16():
    return level_17()  # level 16


def level_15():
    return level_16()  # level 15


def level_14():
    return level_15()  # level 14


def level_13():
    try:
        return level_14()  # level 13
    finally:
        len('')


def level_12():
    return level_13()  # level 12


def level_11():
    return level_12()  # level 11


def level_10():
    return level_11()  # level 10


def level_9():
    if True:

        return level_10()  # level 9


def level_8():
    return level_9()  # level 8


def level_7():
    return level_8()  # level 7


def level_6():
    return level_7()  # level 6


def level_5():
    for _ in range(1):
        return level_6()  # level 5


def level_4():
    return level_5()  # level 4


def level_3():
    return level_4()  # level 3


def level_2():
    return level_3()  # level 2


def level_1():
    kept = level_2()  # level 1
    return kept


mapping = level_1()  # level 0
finish()
