//! PL07: refusals of the session store. The number of a code is that of `session::Code` in records of the audit.

codes! {
    /// No session has this id.
    UNKNOWN_SESSION = "PL0701", Error, "no session has this id",
        "The session was never opened here, or was reaped; what is left of it is in the archive. Ids are never given out again.";
    /// The authority belongs to another store.
    FOREIGN = "PL0702", Error, "the authority belongs to another store",
        "Capabilities, openers, receipts, witnesses and tokens are good in the store that gave them out, and nowhere else.";
    /// The session has ended.
    TERMINAL = "PL0704", Error, "the session has ended",
        "Closed, cancelled and faulted are final: nothing happens in such a session any more, and it is not ended a second time. The refusal says in which state it is.";
    /// The session is draining.
    DRAINING = "PL0705", Error, "the session is draining",
        "No new sends, actions or witnesses; what is queued may be received. When the queues are empty the session ends by itself.";
    /// The capability is not live any more.
    STALE = "PL0706", Error, "the capability is not live any more",
        "The generation of its roles has moved on: it was released, narrowed, transferred or exported. It never becomes live again; whoever holds the newer capability acts.";
    /// The capability does not cover what is asked.
    OUT_OF_SCOPE = "PL0707", Error, "the capability does not cover what is asked",
        "A capability for some roles cannot act for others, and what concerns the whole session asks for a capability of all its roles, or the opener.";
    /// The endpoint's type does not allow the step.
    NOT_ENABLED = "PL0708", Error, "the endpoint's type does not allow the step",
        "The refusal lists everything that the role could do instead: the complete expected set, with labels and payloads.";
    /// Nothing is queued.
    EMPTY = "PL0709", Error, "nothing is queued",
        "Nothing waits on this edge, or what was offered on it is not offered any more. Receive again when something was sent.";
    /// The head of the queue is another message than the endpoint takes.
    UNEXPECTED = "PL0710", Error, "the head of the queue is another message than the endpoint takes",
        "Queues are in order: the oldest message must be taken first. Who sent it is to blame, or the protocol is not safe: `polylogue check` finds the run.";
    /// The edge has no room for now.
    WOULD_BLOCK = "PL0711", Error, "the edge has no room for now",
        "The edge is bounded, or its policy is to block. Send again when the receiver has taken something.";
    /// The edge has no room.
    FULL = "PL0712", Error, "the edge has no room",
        "The queue is at its bound or cap, and its policy is to refuse. Nothing was queued.";
    /// The payload does not fit its sorts.
    PAYLOAD = "PL0713", Error, "the payload does not fit its sorts",
        "The refusal names the field and what was expected of it. A payload that conditions are about must be shown.";
    /// A condition on data or time is false.
    CONDITION = "PL0714", Error, "a condition on data or time is false",
        "The refusal has the condition as it is written, and the values that made it false; secrets are shown as digests.";
    /// A condition or assignment cannot be computed.
    FAULT = "PL0715", Error, "a condition or assignment cannot be computed",
        "A division by zero, a missing key, or a limit of evaluation. What cannot be computed is never true.";
    /// The message requires a witness.
    WITNESS_MISSING = "PL0716", Error, "the message requires a witness",
        "`requires w(x)`: issue a readiness witness for `w` and these arguments first, and bring it with the step.";
    /// The witness was consumed before.
    WITNESS_CONSUMED = "PL0717", Error, "the witness was consumed before",
        "A witness is good for one step. Issue another.";
    /// No such witness was issued.
    WITNESS_UNKNOWN = "PL0718", Error, "no such witness was issued",
        "The witness is none of this store's.";
    /// The witness is for something else.
    WITNESS_MISMATCH = "PL0719", Error, "the witness is for something else",
        "It is for another session, predicate, argument or role; or the step requires none.";
    /// The generation of the witness has moved on.
    WITNESS_STALE = "PL0720", Error, "the generation of the witness has moved on",
        "Its capability is not live any more, or the role took another step and the witness was good for the next one alone.";
    /// The witness has expired.
    WITNESS_EXPIRED = "PL0721", Error, "the witness has expired",
        "It was issued until a time, which is past.";
    /// What the witness is for is false now.
    WITNESS_FALSE = "PL0722", Error, "what the witness is for is false now",
        "The predicate was true when the witness was issued. It is asked again with the step, on the copies of the role that acts.";
    /// The predicate of the witness is false.
    PREDICATE_FALSE = "PL0723", Error, "the predicate of the witness is false",
        "A readiness witness is issued only for what is true: the `def` is false of these arguments, or the host does not say that the extern predicate holds.";
    /// The specification names no such predicate.
    NO_PREDICATE = "PL0724", Error, "the specification names no such predicate",
        "Witnesses are issued for predicates that some `requires` of the protocol names.";
    /// A limit of the store or the plan.
    LIMIT = "PL0725", Error, "a limit of the store or the plan",
        "As many sessions, remembered tokens or keys as there may be. Reap what has ended, or configure more.";
    /// The audit log has no room.
    AUDIT_FULL = "PL0726", Error, "the audit log has no room",
        "The ring is full of records that its sink has not taken, and nothing happens without its record. Deliver, or make the audit lossy.";
    /// A role has an owner already.
    ALREADY_CLAIMED = "PL0727", Error, "a role has an owner already",
        "The refusal says which role, and whose. It must be released or transferred first.";
    /// A transfer of a role is pending.
    TRANSFER_PENDING = "PL0728", Error, "a transfer of a role is pending",
        "Commit it or roll it back first.";
    /// The new scope is not narrower.
    NOT_NARROWER = "PL0729", Error, "the new scope is not narrower",
        "Attenuating keeps some of the roles of a capability, at least one and not all.";
    /// The scope is wider than the holder's.
    WIDER = "PL0730", Error, "the scope is wider than the holder's",
        "Nobody gives away what is not theirs.";
    /// The transfer is not pending.
    NOT_PENDING = "PL0731", Error, "the transfer is not pending",
        "It was committed or rolled back before.";
    /// The receipt is for somebody else.
    MISMATCH = "PL0732", Error, "the receipt is for somebody else",
        "A transfer is committed by the owner to whom it was offered.";
    /// The owner changed since the transfer began.
    OWNER_CHANGED = "PL0733", Error, "the owner changed since the transfer began",
        "The roles are not in the hands any more that offered them.";
    /// The owner holds nothing in this session.
    UNCLAIMED = "PL0734", Error, "the owner holds nothing in this session",
        "There is nothing that this owner could lose.";
    /// A role has not finished.
    UNFINISHED = "PL0735", Error, "a role has not finished",
        "The refusal says which, and what it waits for. Cancel the session to end it before its end, or drain it.";
    /// A queue holds something.
    NOT_EMPTY = "PL0736", Error, "a queue holds something",
        "Every role has finished, but a message was not received. The refusal says on which edge.";
    /// The id was given out before.
    NOT_FRESH = "PL0737", Error, "the id was given out before",
        "The refusal has one that is fresh. Ids are never given out twice, not even after reaping.";
    /// The application key is in use.
    KEY_IN_USE = "PL0738", Error, "the application key is in use",
        "A key stands for one session; it is free again when that was reaped.";
    /// A counter has run out.
    EXHAUSTED = "PL0739", Error, "a counter has run out",
        "The generations of this session are used up: no capability can be given out any more.";
    /// The token is none of this store's, or was altered.
    BAD_TOKEN = "PL0740", Error, "the token is none of this store's, or was altered",
        "Its authenticator does not fit, its secret is not known here, or it is for another purpose.";
    /// The token was imported before.
    TOKEN_USED = "PL0741", Error, "the token was imported before",
        "A token is good once: every other copy of it is worth nothing.";
    /// The token is past its time.
    TOKEN_EXPIRED = "PL0742", Error, "the token is past its time",
        "It was exported to be good until a time. The roles stay claimed; the opener can end the session.";
    /// There is no such edge.
    NO_EDGE = "PL0743", Error, "there is no such edge",
        "The protocol has no message from the one role to the other.";
    /// There is no such role.
    NO_ROLE = "PL0744", Error, "there is no such role",
        "The number is not that of a role of this protocol.";
    /// There is no such label on the edge.
    NO_MESSAGE = "PL0745", Error, "there is no such label on the edge",
        "The protocol has no message with this label between these roles.";
    /// The session moved between the phases.
    MOVED = "PL0746", Error, "the session moved between the phases",
        "Another step was taken since this one was reserved, so what was checked may not be what would be done. Reserve again.";
    /// An offer waits on this synchronous edge already.
    OFFERED = "PL0747", Error, "an offer waits on this synchronous edge already",
        "A message on a `sync` edge is offered until its receiver takes it. Withdraw the offer to make another.";
    /// The scope has no roles.
    EMPTY_SCOPE = "PL0748", Error, "the scope has no roles",
        "A capability is for at least one role.";
    /// The store has no secrets.
    NO_SECRET = "PL0749", Error, "the store has no secrets",
        "Tokens are authenticated under a secret of the store's. Give it one when it is made.";
    /// The message failed its authentication.
    UNAUTHENTIC = "PL0751", Error, "the message failed its authentication",
        "What arrived is not what was sent. The message stays in the queue.";
    /// The deadline is not above the time of the session.
    PAST = "PL0752", Error, "the deadline is not above the time of the session",
        "What is to be good until a time that is past would never be good.";
}
