//! What the texts of the tables and of the events hold: whom they name, what a person wrote, or neither.
//!
//! Each column of texts and each member of an event's data states it where it is declared. From it follows what is shown
//! of it where people are shown by pseudonyms.

/// What a text, a list of texts or a map of them holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The id or the name of something that is no person, a fixed word, or what the desk itself has defined.
    Thing,
    /// The id of a user.
    User,
    /// The id of a customer.
    Customer,
    /// A name or an address of the user that the row or the event is about.
    NameOfUser,
    /// A name of the customer that the row or the event is about.
    NameOfCustomer,
    /// Ids of users or of groups.
    UsersOrGroups,
    /// What a person wrote.
    Words,
    /// The value of the custom field that `field` names.
    FieldValue,
    /// Values of custom fields by their names.
    FieldValues,
    /// The detail of a finding, which names things and people between backticks.
    Detail,
    /// What an event is about: by its type a user, a customer or a thing.
    Subject,
    /// The data of an event, as JSON.
    Data,
    /// What is known of a customer, as JSON with members of any name.
    KnownOfCustomer,
    /// A line as it came, or a part of one.
    Raw,
}
