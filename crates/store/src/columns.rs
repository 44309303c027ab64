//! Reading a row from left to right.

use daap_model::Text;
use library::SourceKey;
use rusqlite::types::{FromSql, FromSqlError, Type, ValueRef};
use rusqlite::{Error, Row};

/// Reads the columns of a row, one after the other.
pub(crate) struct Columns<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl<'r, 's> Columns<'r, 's> {
    pub(crate) fn of(row: &'r Row<'s>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column, as SQLite's types have it.
    pub(crate) fn take<T: FromSql>(&mut self) -> Result<T, Error> {
        let column = self.next;
        self.next += 1;
        self.row.get(column)
    }

    /// A number that must fit the type it is wanted in.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, Error> {
        let number: i64 = self.take()?;
        T::try_from(number).map_err(|_| self.refused(FromSqlError::OutOfRange(number)))
    }

    /// Makes something of a number, such as an id, unless it cannot be one.
    pub(crate) fn made<T>(&mut self, make: impl FnOnce(u32) -> Option<T>) -> Result<T, Error> {
        let number: i64 = self.take()?;
        let made = u32::try_from(number).ok().and_then(make);
        made.ok_or_else(|| self.refused(FromSqlError::OutOfRange(number)))
    }

    /// 64 bits that SQLite holds as a signed number.
    pub(crate) fn bits(&mut self) -> Result<u64, Error> {
        Ok(self.take::<i64>()?.cast_unsigned())
    }

    pub(crate) fn text(&mut self) -> Result<Text, Error> {
        self.text_after(&mut Text::default())
    }

    /// A text that mostly is that of the row before, and then is shared with it.
    pub(crate) fn text_after(&mut self, before: &mut Text) -> Result<Text, Error> {
        let column = self.next;
        self.next += 1;
        let value = self.row.get_ref(column)?;
        if value != ValueRef::Text(before.as_bytes()) {
            *before = value.as_str().map_err(|error| self.refused(error))?.into();
        }
        Ok(before.clone())
    }

    pub(crate) fn key(&mut self) -> Result<SourceKey, Error> {
        let key = self.optional_key()?;
        key.ok_or_else(|| self.refused(FromSqlError::InvalidType))
    }

    pub(crate) fn optional_key(&mut self) -> Result<Option<SourceKey>, Error> {
        let column = self.next;
        self.next += 1;
        let value = self.row.get_ref(column)?;
        let key = value.as_blob_or_null().map_err(|error| self.refused(error))?;
        Ok(key.map(SourceKey::from))
    }

    /// The column read last holds what cannot be.
    fn refused(&self, error: FromSqlError) -> Error {
        let column = self.next - 1;
        let found = self.row.get_ref(column).map_or(Type::Null, |value| value.data_type());
        Error::FromSqlConversionFailure(column, found, Box::new(error))
    }
}
