//! PL04: projection.

codes! {
    /// A role would have to do different things in runs that look the same to it.
    INDISTINCT = "PL0401", Error, "a role cannot tell the arms of a choice apart",
        "A role must know what to do next from what it has sent and received so far. Here two runs of the protocol \
        look the same to it, and yet it would have to go on differently: wait for different peers, send different \
        things, or wait in one run and send in the other.\n\n\
        ```\n\
        choice at A { A -> B: ok(); B -> C: go(); }\n\
        or          { A -> B: no(); C -> B: bye(); }\n\
        ```\n\n\
        Nobody tells `C` which arm was taken. Let somebody who knows tell it first, with a label of its own for each \
        arm:\n\n\
        ```\n\
        choice at A { A -> B: ok(); A -> C: ok(); B -> C: go(); }\n\
        or          { A -> B: no(); A -> C: no(); C -> B: bye(); }\n\
        ```";

    /// A role has ended in one run and goes on in another that looks the same to it.
    OPTIONAL_END = "PL0402", Error, "a role cannot tell whether it has ended",
        "In one arm of a choice the role has nothing more to do, in another it goes on, and nothing tells it which \
        was taken. It would wait for a message that may never come, or send one that nobody expects.\n\n\
        ```\n\
        choice at A { A -> B: ok(); B -> C: go(); }\n\
        or          { A -> B: no(); }\n\
        ```\n\n\
        Tell it in every arm, also where it is only told that there is nothing to do:\n\n\
        ```\n\
        choice at A { A -> B: ok(); A -> C: ok(); B -> C: go(); }\n\
        or          { A -> B: no(); A -> C: no(); }\n\
        ```\n\n\
        A loop that is never left counts as an end for a role that takes no part in it. (`implementable` allows a role \
        to stop where it could still receive; merging projection does not.)";

    /// One label has different payloads in arms that a role cannot tell apart.
    PAYLOADS_DIFFER = "PL0403", Error, "one label has different payloads in two arms",
        "A role receives (or sends) the same label in two runs that look the same to it, with different payload \
        signatures.\n\n\
        ```\n\
        choice at A { A -> B: ok(); A -> C: done(n: int); }\n\
        or          { A -> B: no(); A -> C: done(why: string); }\n\
        ```\n\n\
        Give each message a label of its own.";

    /// An arm does not begin with a step of the role that decides.
    ARM_BEGINS = "PL0404", Error, "an arm does not begin with a step of who decides",
        "`choice at R` says that `R` decides, so every arm must begin with what `R` does when it has decided: a message \
        that `R` sends, or a local action of `R`.\n\n\
        ```\n\
        choice at A { A -> B: ok(); }\n\
        or          { B -> A: no(); }\n\
        ```\n\n\
        Here `B` decides on the second arm while `A` decides on the first. Let `A` ask first, or let one of them \
        decide.";

    /// Two arms begin with the same label to the same receiver and cannot be made one.
    ARMS_ALIKE = "PL0405", Error, "two arms of a choice begin alike",
        "Two arms of one choice begin with the same label to the same receiver, so taking one is taking the other: they \
        are one arm, and whoever decides cannot be held to what only one of them says.\n\n\
        ```\n\
        choice at A { A -> B: order(); A -> B: book(); }\n\
        or          { A -> B: order(); A -> B: film(); }\n\
        ```\n\n\
        Give each arm a label of its own, or move the common message in front of the choice. Arms that begin alike are \
        accepted if everything behind merges.";

    /// Full merge would unite what plain merge does not.
    NOT_PLAIN = "PL0406", Error, "the arms differ, which plain merge does not allow",
        "With plain merge a role that is not told of a choice by the first message of every arm must do the very same in \
        all arms. Here it receives different labels, from the same peer.\n\n\
        ```\n\
        choice at A { A -> B: ok(); A -> C: ok(); }\n\
        or          { A -> B: no(); A -> C: no(); }\n\
        ```\n\n\
        Full merge, which is the default, unites them.";

    /// A local type is larger than we build.
    TOO_LARGE = "PL0407", Warning, "a local type is too large",
        "Merging the arms of choices can make a local type exponentially larger than the protocol. This one was given \
        up; nothing is known about whether the protocol projects.";

    /// A condition of implementability does not hold.
    NOT_IMPLEMENTABLE = "PL0408", Error, "no local types implement the protocol", "\
`implementable` asks for any local types that together do what the protocol says and no more, not only for those that \
merging finds. There are none if one of three conditions fails for some role:\n\n\
* Send Validity: what a role may send after one run it may send after every run that looks the same to it;\n\
* Receive Validity: of two messages from different senders, the one that was not meant cannot be there before the other \
was taken;\n\
* No Mixed Choice: no two runs look the same to a role of which one wants it to send and the other to wait.\n\n\
```\n\
choice at A { A -> B: ok(); B -> C: go(); }\n\
or          { A -> B: no(); C -> B: bye(); }\n\
```\n\n\
`C` sees nothing of either arm, and has to wait in one and to send in the other. The two runs that the message shows are \
a shortest such pair; a message that tells the role which of them it is mends it.";

    /// A role may stop where it could still receive.
    MAY_STOP = "PL0409", Error, "a role may stop where it could still receive", "\
By complete projection the protocol has a machine for each role, and together they do what it says. But one of them has a \
state in which it may stop and could also receive: after one run all is over, after another that looks the same to the \
role a message is still to come. A role that waits there does not know whether it waits in vain.\n\n\
```\n\
choice at A { A -> B: ok(); B -> C: go(); }\n\
or          { A -> B: no(); }\n\
```\n\n\
`implementable` and `safe` allow that, `projectable` does not. Tell the role in every arm that it is over, or say \
`--optional-termination allow`.";

    /// Machines follow no sequential protocol together.
    NO_GLOBAL = "PL0410", Error, "no sequential global type", "\
`synthesize` looks for a protocol whose projections are the given machines. In each of its states one role sends, with \
all its choices, and whoever is spoken to awaits it. Here the machines come to a point where that is not so.\n\n\
```\n\
system Cross(role P, role Q) {\n  P = Q!a(). Q?b(). end;\n  Q = P!b(). P?a(). end;\n}\n\
```\n\n\
Both send before they receive. With queues that goes well, but no protocol `P -> Q: a(); Q -> P: b();` tells `Q` to send \
first. Let one of them receive first, or keep the system as it is: `safe`, `live` and `kmc` are answered for systems too.";
}
