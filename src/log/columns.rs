//! The table of what events carry into columns of the log: the members of `data` that have a column of their own, and the
//! members that the body of each type of event is made of.
//!
//! From it follow the columns that [`rows`](super::rows) writes, those that replay reads ([`input`](crate::replay::input)),
//! and how it packs events ([`pack`](crate::replay::exchange::pack)). To add a member to an event, add it to the model,
//! to what is accepted ([`members`](crate::wire::members)) and here.

/// Passes the members with a column to a macro: first those that SQL sees in `events`, then those that only spare replay the
/// reading of `data`. `Text`, `Flag` and `Number` hold a value of that type, `Json` holds the JSON text of any value. What SQL
/// sees states what its texts hold.
macro_rules! member_columns {
    ($with:ident) => {
        $with! {
            events {
                by: Text of User,
                agent: Text of User,
                customer: Text of Customer,
                profile: Text of Thing,
                status: Text of Thing,
                priority: Text of Thing,
                sentiment: Text of Thing,
                message: Text of Thing,
                kind: Text of Thing,
                set_status: Text of Thing,
                text: Text of Words,
                survey: Text of Thing,
            }
            replay {
                platform: Text,
                origin: Text,
                language: Text,
                field: Text,
                record: Text,
                comment: Text,
                value: Json,
                fields: Json,
                mentions: Json,
                automatic: Flag,
                bot: Flag,
                score: Number,
            }
        }
    };
}

/// Passes the bodies of events about cases to a macro: first the types of the model that have more members, each with its
/// members; then the variants of the body, each with its members or its type, and the types of event that have it. A member
/// is a field in the model and a column above.
macro_rules! event_bodies {
    ($with:ident) => {
        $with! {
            types {
                Creation { customer, profile, platform, origin, language, text, message, priority, sentiment, fields }
                Message { message, kind, text, sentiment, language, set_status, bot, mentions }
                Answer { survey, kind, score, comment }
            }
            bodies {
                Created(creation: Creation): CaseCreated,
                ProfileAssigned { profile }: CaseProfileAssigned,
                Assigned { agent, automatic }: CaseAssigned,
                Unassigned: CaseUnassigned,
                PriorityChanged[priority]: CasePriorityChanged,
                SentimentChanged[sentiment]: CaseSentimentChanged,
                FieldChanged { field, value }: CaseFieldChanged,
                Message(message: Message): MessageReceived | MessageSent | MessageNoted,
                MessageLiked { message }: MessageLiked,
                MessageDeleted { message }: MessageDeleted,
                StatusChanged[status]: CaseStatusChanged,
                Closed: CaseClosed,
                SurveySent { survey }: SurveySent,
                SurveyAnswered(answer: Answer): SurveyAnswered,
                RecordLinked { record }: SalesforceLinked,
                Deleted: CaseDeleted,
            }
        }
    };
}

pub(crate) use {event_bodies, member_columns};
