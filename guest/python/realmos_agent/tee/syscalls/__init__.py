# SPDX-License-Identifier: BSD-3-Clause
"""The system calls of Trusted Applications, a module for each family.

A module offers `HANDLERS`: for each call's number a function that takes the TA (a TaContext) and
the call's arguments, and returns one value for each output argument: nothing for none, the value
itself for one, a tuple for more; None in the place of an output leaves that as it is.
"""
