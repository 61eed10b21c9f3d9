//! Money as integer micro-units with checked arithmetic (invariant I11).

use serde::{Deserialize, Serialize};

/// A millionth of a currency's main unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct MicroUnits(i64);

/// The sum does not fit 64 bits: nine trillion of any currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount does not fit")]
pub struct MoneyError;

impl MicroUnits {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// # Errors
    /// When the sum does not fit.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError)
    }

    /// # Errors
    /// When the product does not fit.
    pub fn times(self, units: u32) -> Result<Self, MoneyError> {
        self.0.checked_mul(i64::from(units)).map(Self).ok_or(MoneyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_checked() {
        assert_eq!(MicroUnits::new(20_000_000).times(3), Ok(MicroUnits::new(60_000_000)));
        assert_eq!(MicroUnits::new(i64::MAX).plus(MicroUnits::new(1)), Err(MoneyError));
        assert_eq!(MicroUnits::new(i64::MAX).times(2), Err(MoneyError));
    }
}
