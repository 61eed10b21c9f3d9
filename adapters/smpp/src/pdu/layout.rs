//! One declaration per PDU: its fields in wire order give the struct, the reader and the writer.
//!
//! Written as in the tables of the standard, so that a layout is checked by reading it:
//! `source: addr(ADDRESS, RINVSRCADR, "source_addr")` is TON, NPI and a C-octet string, and the
//! status that answers a missing NUL.

/// One field: its type, how it is read, how it is written, how a log may show it.
macro_rules! field {
    (type octet) => { u8 };
    (type esm_class) => { $crate::pdu::EsmClass };
    (type registered) => { $crate::pdu::RegisteredDelivery };
    (type text) => { &'a [u8] };
    (type optional_text) => { Option<&'a [u8]> };
    (type addr) => { $crate::pdu::Address<'a> };
    (type message) => { &'a [u8] };
    (type list $item:ident) => { $crate::pdu::Listed<'a, $item<'a>> };
    (type tlvs) => { $crate::tlv::Tlvs<'a> };

    (read octet $cursor:ident $leniency:ident $name:expr) => { $cursor.octet($name)? };
    (read esm_class $cursor:ident $leniency:ident $name:expr) => {
        $crate::pdu::EsmClass($cursor.octet($name)?)
    };
    (read registered $cursor:ident $leniency:ident $name:expr) => {
        $crate::pdu::RegisteredDelivery($cursor.octet($name)?)
    };
    (read text $cursor:ident $leniency:ident $name:expr, $max:expr, $status:ident) => {
        $cursor.text($max, $crate::CommandStatus::$status, $name)?
    };
    (read optional_text $cursor:ident $leniency:ident $name:expr, $max:expr) => {
        $cursor.optional_text($max)
    };
    (read addr $cursor:ident $leniency:ident $name:expr, $max:expr, $status:ident) => {
        $cursor.address($max, $crate::CommandStatus::$status, $name)?
    };
    (read message $cursor:ident $leniency:ident $name:expr) => { $cursor.short_message()? };
    (read list $item:ident $cursor:ident $leniency:ident $name:expr) => {
        $crate::pdu::Listed::read(&mut $cursor)?
    };
    (read tlvs $cursor:ident $leniency:ident $name:expr) => {
        $crate::tlv::Tlvs::decode($cursor.left(), $leniency)?
    };

    (write octet $out:ident $value:expr, $name:expr) => { $out.put(&[$value]) };
    (write esm_class $out:ident $value:expr, $name:expr) => { $out.put(&[$value.0]) };
    (write registered $out:ident $value:expr, $name:expr) => { $out.put(&[$value.0]) };
    (write text $out:ident $value:expr, $name:expr, $max:expr, $status:ident) => {
        $crate::pdu::out::text($out, $value, $max, $name)?
    };
    (write optional_text $out:ident $value:expr, $name:expr, $max:expr) => {
        if let Some(text) = $value {
            $crate::pdu::out::text($out, text, $max, $name)?;
        }
    };
    (write addr $out:ident $value:expr, $name:expr, $max:expr, $status:ident) => {
        $value.write($out, $max, $name)?
    };
    (write message $out:ident $value:expr, $name:expr) => { $crate::pdu::out::short_message($out, $value)? };
    (write list $item:ident $out:ident $value:expr, $name:expr) => { $value.write($out)? };
    (write tlvs $out:ident $value:expr, $name:expr) => { $out.put($value.octets()) };

    (absent optional_text $value:expr) => { $value.is_none() };
    (absent $shape:ident $value:expr) => { false };
    (absent list $item:ident $value:expr) => { false };

    (show octet $value:expr) => { $value };
    (show esm_class $value:expr) => { $value };
    (show registered $value:expr) => { $value };
    (show text $value:expr) => { $value.len() };
    (show optional_text $value:expr) => { $value.map(<[u8]>::len) };
    (show addr $value:expr) => { $value };
    (show message $value:expr) => { $value.len() };
    (show list $item:ident $value:expr) => { $value };
    (show tlvs $value:expr) => { $value };
}

/// One PDU body. `as Command` gives it `encode`; without it the module writes its own.
macro_rules! body {
    (
        $(#[$doc:meta])*
        pub struct $pdu:ident $(as $kind:ident $command:ident)? {
            $( $(#[$field_doc:meta])* $field:ident: $shape:ident $(of $item:ident)? ($name:literal $(, $arg:tt)*), )*
        }
    ) => {
        $(#[$doc])*
        ///
        /// `Debug` shows lengths, never contents.
        #[derive(Clone, Copy, PartialEq, Eq, Default)]
        pub struct $pdu<'a> {
            $( $(#[$field_doc])* #[doc = concat!(" (`", $name, "`)")] pub $field: field!(type $shape $($item)?), )*
        }

        impl<'a> $pdu<'a> {
            /// Reads a body; octets behind what it says are TLVs.
            #[inline]
            pub fn decode(
                body: &'a [u8],
                leniency: $crate::tlv::Leniency,
            ) -> Result<Self, $crate::pdu::DecodeError> {
                let mut cursor = $crate::pdu::cursor::Cursor::new(body);
                $( let $field = field!(read $shape $($item)? cursor leniency $name $(, $arg)*); )*
                Ok(Self { $($field),* })
            }

            #[inline]
            fn write_body<O: $crate::pdu::Out>(&self, out: &mut O) -> Result<(), $crate::pdu::EncodeError> {
                $( field!(write $shape $($item)? out self.$field, $name $(, $arg)*); )*
                Ok(())
            }

            #[inline]
            pub(crate) fn encode_as<O: $crate::pdu::Out>(
                &self,
                command: $crate::Command,
                status: $crate::CommandStatus,
                sequence: u32,
                out: &mut O,
                more: impl FnOnce(
                    &mut $crate::tlv::TlvWriter<'_, O>,
                ) -> Result<(), $crate::pdu::EncodeError>,
            ) -> Result<(), $crate::pdu::EncodeError> {
                let absent = false $(|| field!(absent $shape $($item)? self.$field))*;
                $crate::pdu::out::pdu(out, command, status, sequence, absent, |out| {
                    self.write_body(out)?;
                    more(&mut $crate::tlv::TlvWriter::new(out))
                })
            }

            $( body!(@$kind $command); )?
        }

        impl std::fmt::Debug for $pdu<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($pdu))
                    $( .field(stringify!($field), &field!(show $shape $($item)? self.$field)) )*
                    .finish()
            }
        }
    };

    (@request $command:ident) => {
        /// Appends the PDU. On an error nothing is appended.
        #[inline]
        pub fn encode<O: $crate::pdu::Out>(
            &self,
            sequence: u32,
            out: &mut O,
        ) -> Result<(), $crate::pdu::EncodeError> {
            self.encode_with(sequence, out, |_| Ok(()))
        }

        /// Appends the PDU and, behind its own TLVs, those that `more` writes.
        #[inline]
        pub fn encode_with<O: $crate::pdu::Out>(
            &self,
            sequence: u32,
            out: &mut O,
            more: impl FnOnce(&mut $crate::tlv::TlvWriter<'_, O>) -> Result<(), $crate::pdu::EncodeError>,
        ) -> Result<(), $crate::pdu::EncodeError> {
            self.encode_as($crate::Command::$command, $crate::CommandStatus::ROK, sequence, out, more)
        }
    };

    (@response $command:ident) => {
        /// Appends the PDU. On an error nothing is appended.
        #[inline]
        pub fn encode<O: $crate::pdu::Out>(
            &self,
            status: $crate::CommandStatus,
            sequence: u32,
            out: &mut O,
        ) -> Result<(), $crate::pdu::EncodeError> {
            self.encode_with(status, sequence, out, |_| Ok(()))
        }

        /// Appends the PDU and, behind its own TLVs, those that `more` writes.
        #[inline]
        pub fn encode_with<O: $crate::pdu::Out>(
            &self,
            status: $crate::CommandStatus,
            sequence: u32,
            out: &mut O,
            more: impl FnOnce(&mut $crate::tlv::TlvWriter<'_, O>) -> Result<(), $crate::pdu::EncodeError>,
        ) -> Result<(), $crate::pdu::EncodeError> {
            self.encode_as($crate::Command::$command, status, sequence, out, more)
        }
    };
}
