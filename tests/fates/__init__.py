# SPDX-License-Identifier: BSD-2-Clause
"""Everything that can happen to a message, for real, and what is told of it.

    fates/       what is meant to happen, a function each; message.py what they
                 fill in, plan.py a run's messages
    mailhost.py  Postfix and its tables, Dovecot, rspamd, mailboxes, a pipe
    receiver.py  the SMTP servers behind it, which answer as an address asks
    client.py    who sends, and writes down every reply
    scene.py     a run: send, administer, expire, look into the queue
    evidence.py  what senders and receivers saw; truth.py says it in words
    reading.py   a plain reading of the log; stored.py what MariaDB has
    compare.py   plan, evidence and these two, compared
    chain.py     Mailtrail around the mail host; troubles.py kills and
                 rotations meanwhile
    run          the command: tests/fates/run --help

Names meet in X-Fate: message 17 has n17 there, and in each of its addresses.
"""
