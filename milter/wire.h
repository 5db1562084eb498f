/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All changes of a message and the final answer, in one piece.
 *
 * libmilter sends each change by itself. A milter that dies between a piece of
 * a new body and its final answer does harm: Postfix (3.7, tried) with
 * default_action=accept then takes the message with a queue file that it finds
 * corrupt, and the mail is lost; with tempfail it is refused. So changes are
 * held back and go out together with the answer: new body chunks become one
 * packet, and the last bytes of that packet, whatever follows it and the
 * answer are one write(2) of at most WIRE_TAIL bytes, which a socket takes
 * whole or not at all. Postfix reads a packet whole before it acts on it; one
 * that breaks off counts for nothing, and the original goes on.
 *
 * This is possible because libmilter calls its own writer, mi_wr_cmd, through
 * the dynamic linker, where the program's comes first. If a libmilter ever
 * stops doing so, milter_wire_ready says so and nothing is marked.
 */
#ifndef MILTER_WIRE_H
#define MILTER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>

/* Has libmilter used our writer? True after any negotiation. */
bool milter_wire_ready(void);
/* Hold back what this thread's callback sends, at most max bytes. */
void milter_wire_hold(size_t max);
/* Forget what was held, and hold no more: the message stays as it is. */
void milter_wire_drop(void);

/* libmilter's name and arguments; 0 is success. */
int mi_wr_cmd(
    int fd, struct timeval *timeout, int command, char *data, size_t n);

#endif
