//! Sending through a real server, and to servers that misbehave.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests are tests too")]

mod scripted;

use std::{sync::Arc, time::Duration};

use souk_mail::{Address, Settings, Smtp};
use souk_ports::{Mail, MailError, Mailer, mail::Worded};
use souk_test_mail::{PASSWORD, Server, USER};
use souk_testkit::ManualClock;
use uuid::Uuid;

use self::scripted::{Scripted, Step};

fn settings(url: &str) -> Settings {
    Settings::new(Address::parse(url).unwrap(), "Souk <souk@souk.example>")
}

fn smtp(settings: Settings) -> Smtp {
    Smtp::new(settings, Arc::new(ManualClock::default())).unwrap()
}

fn mail(number: u128, to: &str) -> Mail {
    let text = Worded {
        subject: "Quittung für „Log Reader“".to_owned(),
        plain: "Grüße aus dem Markt.\n\n.\nEine Zeile mit einem Punkt davor.".to_owned(),
        html: "<p>Grüße aus dem Markt.</p>".to_owned(),
    };
    let unsubscribe = Some(format!("https://souk.example/api/v1/notifications/unsubscribe/{}", "f".repeat(90)));
    Mail { id: Uuid::from_u128(number), to: to.to_owned(), name: Some("Ada Löv".to_owned()), text, unsubscribe }
}

/// One server for all of it: starting one takes seconds.
#[tokio::test]
async fn a_real_server_takes_mails_in_the_clear_over_tls_and_with_a_password() {
    let server = Server::start().unwrap();
    let certificates = Some(std::fs::read(server.certificate()).unwrap());

    let plain = smtp(settings(&format!("smtp+plain://127.0.0.1:{}", server.plain())));
    plain.check().await.unwrap();
    plain.send(&mail(1, "ada@people.example")).await.unwrap();
    plain.send(&mail(1, "ada@people.example")).await.unwrap();
    let inbox = server.inbox("ada@people.example").unwrap();
    assert_eq!(inbox.len(), 2);
    let first = &inbox[0];
    assert_eq!(first.subject, "Quittung für „Log Reader“");
    let name = "<00000000000000000000000000000001@souk.example>";
    assert_eq!(first.header("Message-ID").as_deref(), Some(name));
    assert_eq!(inbox[1].header("Message-ID").as_deref(), Some(name), "the same mail has the same name again");
    let unsubscribe = first.header("List-Unsubscribe").unwrap();
    assert_eq!(unsubscribe, format!("<{}>", mail(1, "").unsubscribe.unwrap()), "it arrives unfolded and as it is");
    assert_eq!(first.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert_eq!(first.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert!(first.header("Content-Type").unwrap().starts_with("multipart/alternative"));
    assert!(first.text().contains("Eine Zeile mit einem Punkt davor."), "{}", first.source);

    let tls = Settings { certificates, ..settings(&format!("smtps://localhost:{}", server.tls())) };
    smtp(tls.clone()).send(&mail(2, "ben@people.example")).await.unwrap();
    assert_eq!(server.inbox("ben@people.example").unwrap().len(), 1);
    let distrusting = smtp(Settings { certificates: None, ..tls.clone() });
    let error = distrusting.send(&mail(3, "ben@people.example")).await.unwrap_err();
    assert!(matches!(&error, MailError::Unavailable(why) if why.contains("certificate")), "{error}");

    let signed_in = Settings { username: Some(USER.to_owned()), password: Some(PASSWORD.to_owned()), ..tls.clone() };
    smtp(signed_in.clone()).send(&mail(4, "cyd@people.example")).await.unwrap();
    assert_eq!(server.inbox("cyd@people.example").unwrap().len(), 1);
    let forged = smtp(Settings { password: Some("wrong".to_owned()), ..signed_in.clone() });
    let error = forged.send(&mail(5, "cyd@people.example")).await.unwrap_err();
    assert!(matches!(&error, MailError::Unavailable(why) if why.starts_with("connecting: 535")), "{error}");
    assert!(forged.check().await.is_err(), "who looks is told so as well");

    let upgrading = Scripted::starttls(server.plain()).await;
    let starttls = Settings {
        certificates: Some(upgrading.certificate.clone().into_bytes()),
        username: Some(USER.to_owned()),
        password: Some(PASSWORD.to_owned()),
        ..settings(&format!("smtp://localhost:{}", upgrading.port))
    };
    smtp(starttls).send(&mail(6, "dot@people.example")).await.unwrap();
    assert_eq!(server.inbox("dot@people.example").unwrap().len(), 1);
    assert_eq!(server.inbox("ben@people.example").unwrap().len(), 1, "what was refused did not arrive");
}

#[tokio::test]
async fn what_is_refused_for_good_is_told_apart_from_what_is_for_now_and_quotes_nobody() {
    let server = Scripted::start(vec![vec![
        Step::Answer("RCPT", "550 5.1.1 <ada@people.example>: no such user"),
        Step::Answer("RCPT", "451 4.7.1 <ada@people.example>: greylisted, try again"),
        Step::Answer("DATA", "552 ada@people.example has no room"),
    ]])
    .await;
    let smtp = smtp(settings(&format!("smtp+plain://127.0.0.1:{}", server.port)));
    let refused = smtp.send(&mail(1, "ada@people.example")).await.unwrap_err();
    assert_eq!(refused, MailError::Refused("550 5.1.1".to_owned()));
    let greylisted = smtp.send(&mail(1, "ada@people.example")).await.unwrap_err();
    assert_eq!(greylisted, MailError::Unavailable("451 4.7.1".to_owned()));
    let full = smtp.send(&mail(1, "ada@people.example")).await.unwrap_err();
    assert_eq!(full, MailError::Refused("552".to_owned()));
    smtp.send(&mail(1, "ada@people.example")).await.unwrap();
    assert_eq!(server.taken(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_or_hangs_up_costs_one_try_and_no_connection_is_used_again_in_the_middle() {
    for step in [Step::Hang("MAIL"), Step::Hang("."), Step::Drop("EHLO"), Step::Drop("RCPT"), Step::Drop(".")] {
        let server = Scripted::start(vec![vec![step.clone()]]).await;
        let patience = Duration::from_millis(500);
        let smtp = smtp(Settings { patience, ..settings(&format!("smtp+plain://127.0.0.1:{}", server.port)) });
        let error = smtp.send(&mail(1, "ada@people.example")).await.unwrap_err();
        assert!(matches!(error, MailError::Unavailable(_)), "{step:?}: {error}");
        smtp.send(&mail(2, "ada@people.example")).await.unwrap();
        assert_eq!(server.connections(), 2, "{step:?}");
    }
}

#[tokio::test]
async fn a_server_that_turns_us_away_does_not_condemn_the_mail() {
    for greeting in ["554 5.3.2 not today", "421 4.3.2 shutting down", "HTTP/1.1 400 Bad Request"] {
        let server = Scripted::start(vec![vec![Step::Answer("", greeting)]]).await;
        let smtp = smtp(settings(&format!("smtp+plain://127.0.0.1:{}", server.port)));
        let error = smtp.send(&mail(1, "ada@people.example")).await.unwrap_err();
        assert!(matches!(error, MailError::Unavailable(_)), "{greeting}: {error}");
    }
    let nobody = smtp(settings("smtp+plain://127.0.0.1:1"));
    assert!(matches!(nobody.check().await, Err(MailError::Unavailable(why)) if why.contains("network")));
}

#[tokio::test]
async fn without_starttls_nothing_is_said_that_is_secret() {
    let server = Scripted::start(vec![]).await;
    let settings = Settings {
        username: Some("souk".to_owned()),
        password: Some("hush".to_owned()),
        ..settings(&format!("smtp://127.0.0.1:{}", server.port))
    };
    let error = smtp(settings).send(&mail(1, "ada@people.example")).await.unwrap_err();
    assert!(matches!(error, MailError::Unavailable(_)), "{error}");
    let heard = server.heard();
    assert!(heard.iter().all(|line| line.starts_with("EHLO") || line.starts_with("QUIT")), "{heard:?}");
}

#[tokio::test]
async fn one_connection_carries_many_mails() {
    let server = Scripted::start(vec![]).await;
    let smtp = smtp(settings(&format!("smtp+plain://127.0.0.1:{}", server.port)));
    for number in 0..5 {
        smtp.send(&mail(number, "ada@people.example")).await.unwrap();
    }
    assert_eq!((server.connections(), server.taken()), (1, 5));
}
