//! `GET /v1/usage`: usage records with a cursor.

#![expect(unused_qualifications, reason = "written by the macros that describe this endpoint")]

use axum::{Json, extract::State};
use model::ChannelId;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use store::{Rating, UsageRow};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api, Directory, Problem,
    caller::{Caller, Operator},
    openapi::ProblemDetails,
    query::Query,
    spell::{msisdn, time},
};

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `next` of the page before; from the first record without it.
    #[param(value_type = Option<String>)]
    after: Option<SmolStr>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// A page of usage records, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    records: Vec<Record>,
    /// Give it as `after` to go on, also when this page is empty: the records that come then are new.
    next: String,
}

/// One billable event. Numbers are in E.164 form, where they have one.
#[derive(Debug, Serialize, ToSchema)]
struct Record {
    /// The same for the same event, however often it is read.
    #[schema(example = "use_0f1e2d3c4b5a69788796a5b4c3d2e1f0")]
    id: String,
    /// Ascends with the order of commits.
    sequence: u64,
    message: String,
    /// The leg of the plan that was metered, from 0.
    leg: u8,
    /// The record that a reversal takes back, or that a fallback to another network took over from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "use_0f1e2d3c4b5a69788796a5b4c3d2e1f0")]
    parent: Option<String>,
    /// `submit`, `deliver` or `reversal`.
    #[schema(value_type = String)]
    event: &'static str,
    #[schema(format = DateTime)]
    at: String,
    /// `sms`, `messenger`, `esme` or `rcs`.
    #[schema(value_type = String)]
    service: &'static str,
    /// `replaced` is not charged: another record of the same message took over.
    #[schema(value_type = String)]
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    cause: Option<&'static str>,
    /// Who is charged.
    #[schema(value_type = String)]
    origin: SmolStr,
    /// Where it went.
    #[schema(value_type = String)]
    channel: SmolStr,
    #[schema(value_type = String)]
    class: &'static str,
    segments: u16,
    octets: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    from: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    to: Option<SmolStr>,
    /// The charging id of the network it came from (`icid-value`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    charging_id: Option<SmolStr>,
    #[schema(value_type = String)]
    rating: &'static str,
}

const LIMIT_DEFAULT: u32 = 100;

/// Read usage records.
#[utoipa::path(
    get,
    path = "/v1/usage",
    tag = "usage",
    params(Wanted),
    responses(
        (status = 200, body = Page),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn usage(
    State(api): State<Api>,
    Caller(account): Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page>, Problem> {
    page(&api, wanted, Some(account.channel)).await.map(Json)
}

/// Read everybody's usage records: accounts', messengers' and RCS users'. This is what a billing system follows.
#[utoipa::path(
    get,
    path = "/v1/usage",
    tag = "usage",
    params(Wanted),
    responses(
        (status = 200, body = Page),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn usage_of_all(
    State(api): State<Api>,
    Operator: Operator,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page>, Problem> {
    page(&api, wanted, None).await.map(Json)
}

async fn page(api: &Api, wanted: Wanted, origin: Option<ChannelId>) -> Result<Page, Problem> {
    let after = match wanted.after {
        Some(cursor) => cursor.parse().map_err(|_| Problem::field("#/after", "expected `next` of a page"))?,
        None => 0,
    };
    let limit = api.page_items(wanted.limit, LIMIT_DEFAULT)?;
    let rows = api.services.store.usage(after, limit, origin).await?;
    let next = rows.last().map_or(after, |row| row.sequence).to_string();
    let records = rows
        .iter()
        .filter(|row| origin.is_none_or(|origin| row.record.origin == origin))
        .map(|row| Record::of(row, &*api.services.directory))
        .collect();
    Ok(Page { records, next })
}

impl Record {
    fn of(row: &UsageRow, directory: &dyn Directory) -> Self {
        let record = &row.record;
        Self {
            id: record.key.id().to_string(),
            sequence: row.sequence,
            message: record.key.message.to_string(),
            leg: record.key.leg,
            parent: record.parent().map(|key| key.id().to_string()),
            event: record.key.event.as_str(),
            at: time(record.at),
            service: record.service.as_str(),
            outcome: record.outcome.as_str(),
            cause: record.cause.map(model::Cause::code),
            origin: directory.channel_name(record.origin),
            channel: directory.channel_name(record.channel),
            class: record.class.as_str(),
            segments: record.segments,
            octets: record.octets,
            from: record.from.map(msisdn),
            to: record.to.map(msisdn),
            charging_id: record.charging_id.clone(),
            rating: match row.rating {
                Rating::Suspended => "suspended",
                Rating::Rated => "rated",
                Rating::ZeroRated => "zero_rated",
                Rating::NotChargeable => "not_chargeable",
            },
        }
    }
}
