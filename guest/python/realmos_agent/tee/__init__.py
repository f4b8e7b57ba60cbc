# SPDX-License-Identifier: BSD-3-Clause
"""The TEE core: what OP-TEE is to Trusted Applications and clients, as a program in a realm.

It loads signed Trusted Applications, has a runner process hold each, and serves their system
calls. Nothing in it reads a Trusted Application's memory: a runner copies what a call names.
"""
