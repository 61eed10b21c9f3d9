//! Values that decode but mean nothing: the status each deserves (SMPP 3.4 §5.2).

use crate::pdu::{Address, DataSm, DecodeError, Problem, RegisteredDelivery, SubmitMulti, SubmitSm};
use crate::{CommandStatus, Version};

const fn bad(status: CommandStatus, field: &'static str) -> DecodeError {
    DecodeError { status, field, problem: Problem::Value }
}

fn source(address: &Address<'_>) -> Result<(), DecodeError> {
    if !address.ton_is_known() {
        return Err(bad(CommandStatus::RINVSRCTON, "source_addr_ton"));
    }
    if !address.npi_is_known() {
        return Err(bad(CommandStatus::RINVSRCNPI, "source_addr_npi"));
    }
    Ok(())
}

fn destination(address: &Address<'_>) -> Result<(), DecodeError> {
    if !address.ton_is_known() {
        return Err(bad(CommandStatus::RINVDSTTON, "dest_addr_ton"));
    }
    if !address.npi_is_known() {
        return Err(bad(CommandStatus::RINVDSTNPI, "dest_addr_npi"));
    }
    if address.digits.is_empty() {
        return Err(bad(CommandStatus::RINVDSTADR, "destination_addr"));
    }
    Ok(())
}

fn registered(flags: RegisteredDelivery, version: Version) -> Result<(), DecodeError> {
    if flags.is_valid(version.allows_v50()) {
        return Ok(());
    }
    Err(bad(CommandStatus::RINVREGDLVFLG, "registered_delivery"))
}

const fn priority(flag: u8) -> Result<(), DecodeError> {
    if flag <= 3 { Ok(()) } else { Err(bad(CommandStatus::RINVPRTFLG, "priority_flag")) }
}

const fn replace(flag: u8) -> Result<(), DecodeError> {
    if flag <= 1 { Ok(()) } else { Err(bad(CommandStatus::RINVREPFLAG, "replace_if_present_flag")) }
}

impl SubmitSm<'_> {
    /// Are TON, NPI, priority, replace flag and registered delivery what the standard knows, and is
    /// there somebody to send to?
    #[inline]
    pub fn check(&self, version: Version) -> Result<(), DecodeError> {
        source(&self.source)?;
        destination(&self.destination)?;
        priority(self.priority_flag)?;
        replace(self.replace_if_present_flag)?;
        registered(self.registered_delivery, version)
    }
}

impl SubmitMulti<'_> {
    /// What [`SubmitSm::check`] asks, but for the destinations: each of those has its own outcome.
    pub fn check(&self, version: Version) -> Result<(), DecodeError> {
        source(&self.source)?;
        priority(self.priority_flag)?;
        replace(self.replace_if_present_flag)?;
        registered(self.registered_delivery, version)
    }
}

impl DataSm<'_> {
    /// What [`SubmitSm::check`] asks, for the fields `data_sm` has.
    pub fn check(&self, version: Version) -> Result<(), DecodeError> {
        source(&self.source)?;
        destination(&self.destination)?;
        registered(self.registered_delivery, version)
    }
}

impl Address<'_> {
    /// May this be a destination? For the destinations of `submit_multi`, one by one.
    pub fn check_destination(&self) -> Result<(), DecodeError> {
        destination(self)
    }
}
