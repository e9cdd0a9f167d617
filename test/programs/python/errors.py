"""Raises errors that the evaluation loop itself finds and words, which compilers move away from the rest of the loop.

Each call makes a text of more than 512 bytes, so that it is allocated outside the pools, on a line of its own.
"""

NAME = "x" * 600


def unknown_name():
    eval(NAME)


def unbound_local():
    del_me = 1
    del del_me
    del_me


def too_few_values():
    a, b, c = (1, 2)


def too_many_values():
    a, b = (1, 2, 3)


def not_iterable():
    (lambda **keywords: keywords)(**{NAME: 1}, **{NAME: 2})


def attempt(function, depth):
    if depth:
        return attempt(function, depth - 1)
    try:
        function()
    except (NameError, ValueError, TypeError) as error:
        return str(error) + NAME


for _ in range(50):
    for function in (unknown_name, unbound_local, too_few_values, too_many_values, not_iterable):
        list(map(lambda f: attempt(f, 3), [function]))
print("ok")
