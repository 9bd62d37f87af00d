/** Every limit of the engine, with its unit and reason. Checked relations stand at the end. */

/** Characters of a message: Discord's without a subscription is 2000, with one 4000. */
export const MAX_MESSAGE_CHARS = 4000
/** Letters of what is begun and not sent: somewhat more than may be sent, so that nothing is lost while it is made shorter. */
export const MAX_DRAFT_CHARS = 16_000
/** Registers of what a person notes for their own devices: people checked and devices named, ever. About 150 bytes each, all in memory. */
export const MAX_OWN_NOTES_KEPT = 4000
export const MAX_NAME_CHARS = 64
/** As in the format of ops. */
export const MAX_TOPIC_CHARS = 1024
export const MAX_LINK_CHARS = 4096
/** Ops waiting for a predecessor, per space: beyond it whoever sent the most loses the oldest, and sync asks for them again. */
export const MAX_PARKED_OPS = 4000
export const MAX_PARKED_BYTES = 16 * 1024 * 1024
/** Bytes that one sender may have waiting here before anything vouches for them. */
export const MAX_UNVERIFIED_BYTES = 4 * 1024 * 1024
/** Ops of a chain that follow each other without a signature of their own, at most: what is given on is signed about so often, and who looks for the next one has not far to go. */
export const SIGNED_EVERY = 32
/** What is taken in: with room for chains that were put together from parts. */
export const MAX_UNSIGNED = 64
/** Ops of one device in one channel, and of authority, in a day of its own labels: one every two seconds. What goes on beyond that is not taken in. */
export const MAX_OPS_A_DAY = 50_000
/**
 * Bytes of one device's authority and group ops in such a day. They stay on every disk for good. The most that is honestly done is to let in all that a space holds, one by one: 2,000 commits, of 100 KB in a group whose keys
 * are all new. So half of that again is left.
 */
export const MAX_AUTHORITY_BYTES_A_DAY = 288 * 1024 * 1024
/**
 * Bytes of what one device says that are taken in on one day of one's own, for each day of its labels. 50,000 entries of 5 KB, or half a million usual messages: more than any person or bridge says in a day. Whoever was away for a
 * year is given a year's days at once. A device's own app stops at half of it: what others can't read, they count as it came, with all that a text is sealed with.
 */
export const MAX_SAID_BYTES_A_DAY = 256 * 1024 * 1024
/** And so many times that of all that it dates before yesterday: else whoever dates back over a year would bring as many days at once. */
export const PAST_DAYS_A_DAY = 4
/** Each time that so many more bytes were taken in of a day, that is saved: a restart forgets less than this. */
export const SAID_SAVED_EVERY = 1024 * 1024
/** Branches of one forked chain that are kept: its device is frozen where they part, so more would only serve a flood. */
export const MAX_BRANCHES = 4
/** Branches beyond those, per space, that are remembered until a restart: what rests on one may come after it. */
export const MAX_SPARE_BRANCHES = 256
/** Ops of forked content whose place is looked up on disk at a time, per space. */
export const MAX_SUSPECTS = 256
/** Ops remembered by number, so that what comes twice is known without reading the disk. */
export const REMEMBERED_OPS = 8192
/** Sealed parcels whose epoch key isn't known yet, per space, and their bytes: of too many the oldest give way of the topic that has most. */
export const MAX_UNOPENED = 2000
export const MAX_UNOPENED_BYTES = 32 * 1024 * 1024
/** Op bytes in one frame or parcel: below the frame's and the relay's 1 MiB with room for sealing and padding. */
export const MAX_BATCH_BYTES = 384 * 1024
/** Ops a peer gets for one ask: it asks again for more, so a slow reader sets the pace. */
export const MAX_ASK_OPS = 4000
/** Bytes of ops for one ask, as many as are on the way to a peer at a time. */
export const MAX_ASK_BYTES = 4 * 1024 * 1024
/** Spaces of which one peer is asked for ops at a time. */
export const MAX_ASKED_SPACES = 4
/** What one peer may ask us for at once and in a second: an ask or a hello, and each hundred ranges more, count one. Asking as fast as answers come stays far below. */
export const REQUEST_BURST = 500
export const REQUESTS_PER_SECOND = 50
/** Ranges in one ask. */
export const MAX_ASK_RANGES = 1000
/** Entries of a version vector in one frame: half a MiB. A channel of a large space may take several. */
export const MAX_VECTOR_PART = 10_000
/** Topics that a device reads whose ground is lost (S13): as many as it reads of a group. */
export const MAX_GROUND_TOPICS = 16
/** Epochs under which such a one says where it is: the newest of each group, as far as shows. */
export const MAX_GROUND_ENDS = 2
/** Devices that such a one hears of, any of which it has to believe. */
export const MAX_GROUND_HEARD = 64
/** What came back last is looked at so long after it, though more is missing: it may be enough. */
export const GROUND_AGAIN_MS = 20_000
/** Chains with something missing that are noted of one peer; the rest shows when these are here. */
export const MAX_LACKING = 50_000
/** Branches of forked chains asked for in one session: whoever shows more makes them up. */
export const MAX_BRANCH_ASKS = 1000
/** Channels of a space that come before others because somebody opened them. */
export const MAX_OPENED_CHANNELS = 16
/** Trees in one ask, and ms after which one that didn't come is asked for again. */
export const MAX_ASKED_TREES = 8
export const TREE_ASKED_AGAIN_MS = 10_000
/** Points for faults (sync/conduct.ts) at which a peer is muted, and the time in which one is forgiven: five broken frames in a row, or one a minute for ever. */
export const MUTE_AT_POINTS = 100
export const FORGIVE_POINT_MS = 3000
/** How long a first mute lasts; it doubles up to the second, and starts anew after so long without a fault. */
export const PEER_MUTE_MS = 60_000
export const MAX_PEER_MUTE_MS = 3600_000
export const FORGIVE_MUTES_MS = 24 * 3600_000
/** Peers and devices whose conduct is remembered. */
export const MAX_JUDGED = 1024
/** Peers that are told of a fresh op which came from another: with four, all of a thousand who are connected somehow hear of it within a few hops. */
export const FORWARDED_TO = 4
/** Ms in which a fresh op that others tell of may still come from its author, or from who was asked for it. */
export const LATE_AFTER_MS = 400
/** Chains that a peer tells of at once when it passes on fresh ops, and ops asked for of one: more than that is catching up. */
export const MAX_NEWS = 16
/** Peers that are told in each round how far everything goes here: more would cost a crowd its square, and the next round tells others. */
export const COMPARED_WITH = 8
/** Rows read from disk at a time to answer a peer. */
export const SERVED_ROWS = 500
/** Messages in one answer to a client. */
export const MAX_MESSAGES_PAGE = 200
/** Windows that one client may watch, all of them may, and the rows that one holds: some hundred bytes each. A line that is followed may come to hold twice as many. */
export const MAX_WINDOWS = 48
export const MAX_WINDOWS_IN_ALL = 512
export const MAX_WATCHED_ROWS = 600
/** Ms after which a watched list is read again: what changes meanwhile is told together. */
export const WINDOW_PAUSE_MS = 50
/** Messages looked through for hidden ones, for one answer. */
export const MAX_HIDDEN_LOOKED = 2000
/** Notes about one message that are listed of those that don't count: its newest. */
export const MAX_HIDDEN_NOTES = 50
/** Acts in one answer to a client, and in one update about acts that were undone. */
export const MAX_AUDIT_PAGE = 200
export const MAX_UNDONE_TOLD = 20
/** MLS states kept behind the tip, so that commits on older branches can still be processed. */
export const KEPT_EPOCH_STATES = 32
/** Ms after which a state that was followed by another is dropped, however few there are. */
export const STATE_KEPT_MS = 14 * 24 * 3600_000
/** States of losing branches kept, per group, and for how long after their secrets were told to everyone (ms). */
export const MAX_SIDE_STATES = 32
export const BUNDLED_STATE_KEPT_MS = 24 * 3600_000
/** Ratchet trees kept, per space, before a commit has named them. */
export const MAX_UNNAMED_TREES = 8
/** Epochs taken into one commit's proposals, so that a commit stays small. */
export const MAX_COMMIT_CHANGES = 64
/** Commits processed in one step, at 5 to 40 ms each: what people do comes between. */
export const MAX_COMMITS_A_STEP = 32
/** What a device does in a group by itself within a minute, removals aside: what takes more than this is a mistake or a trap. */
export const MAX_ACTS_A_MINUTE = 20
/** Bundles of losing branches' secrets kept in memory, per space. */
export const MAX_BUNDLES = 10_000
/** Of one device: its oldest give way. */
export const MAX_BUNDLES_OF_ONE = 2000
/** Devices' requests for secrets kept, per group, and of one device; answers kept for each; and how often the same is asked for after a wrong answer. */
export const MAX_WANTS = 2000
export const MAX_WANTS_OF_ONE = 64
export const MAX_GRANTS_OF_ONE = 16
export const MAX_ASKED_AGAIN = 4
/** And how long after that it is asked for anew (ms). */
export const ASKED_ANEW_AFTER_MS = 24 * 3600_000
/** What a device lacks may still come by itself: it asks for it after this (ms). */
export const WANT_AFTER_MS = 5000
/** Epochs told beside the tip's in one kit: those that no back-link leads to. */
export const MAX_KIT_SECRETS = 64
/** Devices of one space, beyond which nobody is let in: the ratchet tree, some 200 bytes a device, travels whole, in envelopes that hold 512 KiB of it. Those who come at once overshoot a little. */
export const MAX_DEVICES = 2000
/** Leaves of a tree that goes to the relays with its commit. A larger one follows when that was the last commit for so long (ms). */
export const TREE_AT_ONCE = 32
export const LATE_TREE_MS = 30_000
/** Epochs whose group a newcomer looks for at a time, and in all: the first of them is the tip, which nearly always has one. */
export const GROUPS_AHEAD = 2
export const MAX_GROUPS_TRIED = 256
/** Groups that are remembered as laid for one epoch: more are laid by nobody honest. */
export const MAX_KITS_OF_EPOCH = 8
/** Live invites of one space: each costs a copy of every authority op at the relay. */
export const MAX_LIVE_INVITES = 10
export const MAX_SPACES = 200
/** Conversations that others want to have and that this device is not in yet: more wait until some are. */
export const MAX_CONTACTS_OPEN = 16
/** How long somebody who is away may take to hear that somebody wants to talk: as long as relays keep mail. */
export const CONTACT_LASTS_MS = 90 * 24 * 3600_000
/** A conversation of which its relays know nothing so long after somebody named it (ms) is forgotten: a few that never come must not keep out all others. */
export const UNKNOWN_CONTACT_PATIENCE_MS = 24 * 3600_000
/** Relays a space names: two or more survive the death of one; more only costs posts. */
export const MAX_RELAYS = 4
/** Relays that a space has left and that its devices go on reading: each costs a connection. */
export const MAX_RELAYS_LEFT = 4
export const DEFAULT_INVITE_USES = 100
export const MAX_INVITE_USES = 100_000
export const DEFAULT_INVITE_MS = 7 * 24 * 3600_000
/** A second device joins by links of its own, that live so long (ms). */
export const LINKING_MS = 3600_000
export const MAX_INVITE_MS = 365 * 24 * 3600_000

/** Ms between presence announcements; others count us as away after PRESENCE_LOST_MS without one. */
export const PRESENCE_EVERY_MS = 20_000
/** Of so many announcements one goes to an older topic as well, where not everybody is heard. */
export const ELSEWHERE_EACH = 4
/** Members of whom a device calls so many at a time, where it can't say to all where it is (meeting.ts), or can't open where others are (calls.ts). */
export const CALLED_AT_ONCE = 8
/** Authority ops that such a member is told at once, where what it lacks keeps it from hearing where others are (calls.ts). */
export const MAX_CALL_OPS = 250
/** Keys that are missing here, under which words come, of which it is noted since when. */
export const MAX_UNKNOWN_HINTS = 16
/** Ms after which a device that is out and doesn't know is told again by the same member; each time twice as long, up to the second. */
export const FAREWELL_AGAIN_MS = 60_000
export const MAX_FAREWELL_AGAIN_MS = 24 * 3600_000
/** Authority ops that such a device is told at most: what is older it has. */
export const MAX_FAREWELL_OPS = 2000
export const PRESENCE_LOST_MS = 50_000
/** A new face is answered at once, but not more often than this. */
export const PRESENCE_ANSWER_MS = 1500
/** What each who is here adds to the time between two announcements of one, and between a message and its receipt (ms): everybody hears them all, and a relay takes 20 parcels a second of a topic. So five a second are the most. */
export const CROWD_EACH_MS = 200
/** Where more are here than this, a new face is answered by a few: each answer is heard by all. */
export const CROWD = 16
export const ANSWERS_IN_CROWD = 4
/** And those who come and go are told to clients together, once in such a time: each telling names all members. */
export const PEOPLE_TOGETHER_MS = 1000
/** Anti-entropy: every so often with every connected peer. */
export const SYNC_EVERY_MS = 30_000
/** Ms between rounds that are asked for because something is missing. */
export const COMPARE_SOON_MS = 2000
/** Ms per rank before committing a difference: the first in rank is nearly always alone. */
export const COMMIT_RANK_MS = 750
/** A device without the tip's state gives others this long (plus rank) to add it again before it joins by an external commit. */
export const REJOIN_AFTER_MS = 5000
export const REJOIN_RANK_MS = 2000
/** A device's keys in the group are renewed this often: after that, stolen old ones open nothing new. */
export const RENEW_AFTER_MS = 7 * 24 * 3600_000
/** The first commit after a topic has been used for so long begins another (ms): a relay that keeps notes can't tie them together. Keys are renewed weekly, so a commit comes. */
export const TOPIC_USED_MS = 7 * 24 * 3600_000
/** Receipts (what we hold) go to the relay at most so often: they are what "delivered" is known by among people never online together. */
export const RECEIPT_AFTER_MS = 3000
/** A relay that forgets is filled again at once, but not more often than this. */
export const REPOST_EVERY_MS = 60_000
/** Own messages of one channel that go to a relay again when it lacks them, at a time. */
export const MAX_REPOSTED_OPS = 2000
/** What was read of a relay is compared with it this often, looked at so often, and for the first time so long after the start (ms). */
export const AUDIT_EVERY_MS = 7 * 24 * 3600_000
export const AUDIT_LOOK_MS = 3600_000
export const AUDIT_AFTER_MS = 60_000
/** Relays keep parcels so long, and own ops are put there again up to somewhat before: what is just expiring is not lost. */
export const PARCELS_KEPT_MS = 90 * 24 * 3600_000
export const OWED_FOR_MS = 80 * 24 * 3600_000
/** Ids of parcels in one row on disk. */
export const PACKED_IDS = 256
/** Key packages others may add us by. */
export const KEY_PACKAGE_LIFETIME_S = 90 * 24 * 3600
/** Clocks differ: a package is good from so long before it was made. */
export const KEY_PACKAGE_EARLY_S = 24 * 3600
/** A package that nobody used is followed by a fresh one after this (ms), one that was used at once. Each is an op that everyone keeps, so not each week. */
export const KEY_PACKAGE_AFTER_MS = 30 * 24 * 3600_000
/** Of own packages the secrets stay of so many: a welcome may be on its way for the last but one. */
export const KEPT_PACKAGES = 2
/** An own label is later than all that was seen, but not further ahead of the own clock than this. */
export const MAX_LABEL_AHEAD_MS = 5 * 60_000
/** Labels further ahead than this are not believed. More than one's own may be by as much as honest clocks differ, so that these stand alike everywhere. */
export const MAX_CLOCK_AHEAD_MS = 2 * MAX_LABEL_AHEAD_MS
/** A clock that goes back by more was set: those that a network keeps right go back by less. */
export const CLOCK_SET_BACK_MS = 60_000
/** How far beyond that what isn't believed is spread, so that it still stands in its order. */
export const UNBELIEVED_SPREAD_MS = 5 * 60_000
/** The joiner tells the person when no relay has answered by then. It goes on trying. */
export const JOIN_PATIENCE_MS = 15_000
/** A link that no relay knows may just have been made: whoever made it may still be sending what belongs to it. */
export const UNKNOWN_LINK_PATIENCE_MS = 4000
/** Kinds of reactions under one message. */
export const MAX_REACTION_KINDS = 20
/** Pinned messages of one channel: a list people still look through. */
export const MAX_PINS = 50
/** Messages ever pinned in a channel that are looked at in one go to list those still pinned, and how often it is gone on: so many pins nobody makes by hand. */
export const MAX_PINS_READ = 1000
export const MAX_PINS_PAGES = 20
/** Notes (edits, reactions, …) of a message read at a time. Ten thousand people may react. */
export const MAX_NOTES_READ = 20_000
/** Of one device's notes of one kind about one message so many are heard: more than anybody changes by hand. */
export const MAX_NOTES_OF_ONE = 256
/** Messages of which something was said and that are not here: notes of anybody's may name what never was. The oldest give way: what is said of them shows when something more is. */
export const MAX_EXPECTED = 20_000
/** Changed messages looked at in one go: each takes a few reads. */
export const MAX_LOOKED_AT = 200
/** Characters of the message that an answer shows. */
export const MAX_QUOTE_CHARS = 120
/** Ms between one's own signals of writing in a channel, and for how long others believe one: longer, so that a late one leaves no gap. */
export const TYPING_EVERY_MS = 3000
export const TYPING_LASTS_MS = 6000
/** Signals of one device that come faster are not looked at. */
export const TYPING_LEAST_MS = 500
/** Devices whose writing is known, per space: more than any line can name. */
export const MAX_TYPISTS = 100
/** Ops of a chain that are looked at for the message before one: between two messages of a slow channel stand fewer notes. */
export const MAX_PACE_LOOKED = 256
/** Ms after which what was read is told to the person's other devices. */
export const MARKS_AFTER_MS = 3000
/** Unread messages of a channel that are counted: beyond it the number says nothing more. */
export const MAX_UNREAD_COUNTED = 1000
/** Replies of one thread that are counted at once: beyond it the number says nothing more. */
export const MAX_THREAD_COUNTED = 1000
/** Ms without another own op that is news here before a disk that was put back is left behind; and after so long also when not every space has been heard. */
export const SUCCEED_AFTER_MS = 3000
export const SUCCEED_AT_LAST_MS = 60_000
/** Where the key of the tip was forgotten, too, further own ops may lie under it: so long (ms) it waits for a peer, who knows. */
export const SUCCEED_UNREAD_MS = 3600_000
/** Ms after opening a space in which somebody may still be reached before anything is signed there. */
export const UNSURE_ALONE_MS = 5000
/** Acts in one space that wait until this device may sign there; and after how long (ms) they are refused instead. */
export const MAX_HELD = 16
export const HOLD_MS = 15_000
/** A device that was left behind is ended after this (ms): what it said is still under way to some. */
export const END_FORMER_AFTER_MS = 7 * 24 * 3600_000
/** Numbers left out before a device's last op: others may hold ops under them that it has forgotten. */
export const FORGOTTEN_OPS = 2 ** 20
/** Drafts that wait for the group, per space. */
export const MAX_DRAFTS = 200
/** Proposals of the index that one search looks at: a half-typed rare combination must not read the whole disk. */
export const MAX_SEARCH_LOOKS = 4096
/** Messages found that one answer holds. */
export const MAX_FOUND_PAGE = 100
/** Messages found, newest first, of which the best are shown when the best are asked for. */
export const MAX_RANKED = 400
/** Ms between two pieces of work on an index, so that people don't notice it; and after the start, which has better to do. */
export const INDEX_PAUSE_MS = 20
/** Ms for which segments that were made of a history that comes in are left alone after each of them: there may be more, and it is better merged when all is here. */
export const INDEX_REST_MS = 1000
export const INDEX_AFTER_MS = 2000
/** What a space says of how long things are kept begins to work so long after a device heard of it (ms): until then it can be taken back. */
export const RETENTION_GRACE_MS = 24 * 3600_000
/** How far clocks may differ for what others have deleted already (ms). */
export const RETENTION_SLACK_MS = 24 * 3600_000
/** Ms between two looks for what is due, between two pieces of deleting it, and after the start. */
export const RETENTION_EVERY_MS = 3600_000
export const RETENTION_PAUSE_MS = 20
export const RETENTION_AFTER_MS = 10_000
/** Of what seals a copy of all this device keeps. */
export const MIN_PASSPHRASE_CHARS = 8
/** Ms between two pieces of tidying the disk. */
export const COMPACT_PAUSE_MS = 50
/** Ops of one chain that are looked at in one piece: a step of some tens of milliseconds. */
export const RETENTION_ROWS = 256
