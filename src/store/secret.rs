//! The key of a store: random, made when it is first needed, and the same from then on.

use uuid::Uuid;

use crate::error::{Error, Result};
use crate::store::disk::WriteMode;
use crate::store::objects::Store;

/// The file with the key as hexadecimal digits.
const FILE: &str = "pseudonyms.key";

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// A key that nothing else can be computed from.
pub type Key = [u8; KEY_BYTES];

/// The key of a store. Where there is none yet, one is made, and this returns when it is durable.
///
/// # Errors
/// When the key cannot be read, or there is none and the store cannot be written.
pub async fn key(store: &Store) -> Result<Key> {
    if let Some(content) = store.read(FILE).await? {
        return parse(store, &content);
    }
    match store.write(FILE, made().into_bytes(), WriteMode::Create).await {
        Ok(()) => store.flush()?,
        Err(error) if error.is_read_only() => {
            let message = "the store has no key for pseudonyms yet, and cannot be written";
            return Err(Error::refused(message).with_hint("use `--anonymize` once where the store can be written"));
        }
        // Another process may have made one at the same time.
        Err(error) if !store.has(FILE).await? => return Err(error),
        Err(_) => {}
    }
    let content = store.read(FILE).await?;
    parse(store, &content.unwrap_or_default())
}

/// A new key as the file holds it. The identifiers are random but for a few fixed bits of each.
fn made() -> String {
    format!("{}{}\n", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn parse(store: &Store, content: &[u8]) -> Result<Key> {
    let digits = std::str::from_utf8(content).ok().map(str::trim);
    let read = |digits: &str| -> Option<Key> {
        let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let bytes = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>()?;
        bytes.try_into().ok()
    };
    digits.and_then(read).ok_or_else(|| {
        let path = store.place_of(&store.local_path(FILE));
        Error::invalid(path, format!("a key has {} hexadecimal digits", 2 * KEY_BYTES))
            .with_hint("put the file back from a copy of the store; with another key every pseudonym is another one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_keeps_the_key_that_is_first_made() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let first = key(&store).await.unwrap();
        assert_eq!(key(&store).await.unwrap(), first);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(key(&Store::open(other.path()).unwrap()).await.unwrap(), first);
        std::fs::write(folder.path().join(FILE), "ff").unwrap();
        let error = key(&store).await.unwrap_err();
        assert!(error.to_string().ends_with("pseudonyms.key: a key has 64 hexadecimal digits"), "{error}");
    }
}
