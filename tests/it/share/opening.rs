//! Bugs that well-known products had, tried from outside.

use super::*;

both_stacks!(head_get_prefetch_and_previews_consume_nothing, async |app: &TestApp| {
    let (village, nobody) = (app.actor(Actor::Clerk), app.nobody());
    let document = letter(&village, "biasa").await;
    let once = terms(app, anyone(), "download", json!({ "max_opens": 1 }));
    let made = link(&village, &document, &once).await;
    for path in [
        format!("/s/{}", made.public),
        format!("/api/v1/shared/{}", made.public),
        format!("/api/v1/shared/{}/open", made.public),
        format!("/api/v1/shared/{}/peek", made.public),
        content(&made),
        page(&made),
    ] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let preview = nobody.request(method.clone(), &path).header("Purpose", "prefetch");
            let answer = send(preview).await;
            assert!(answer.status < 500, "{method} {path}: {}", answer.text());
        }
    }
    let peek = json!({ "secret": made.secret });
    nobody.post(&format!("/api/v1/shared/{}/peek", made.public), peek).await.is(200);
    assert_eq!(shown(&village, &made).await["opens"], 0);
    open(&nobody, &made, json!({})).await.is(200);
    assert_eq!(shown(&village, &made).await["opens"], 1);
});

both_stacks!(ranges_and_repeats_after_a_reveal_are_not_second_openings, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, anyone(), "download", json!({ "max_opens": 1 }))).await;
    let reader = holder(app, &open(&app.nobody(), &made, json!({})).await.is(200));
    let whole = reader.get(&content(&made)).await.is(200);
    for (first, last) in [(0, 9), (10, 99), (0, 0)] {
        let range = format!("bytes={first}-{last}");
        let part = send(reader.request(Method::GET, &content(&made)).header("Range", range)).await.is(206);
        assert_eq!(part.body, whole.body[first..=last]);
    }
    reader.get(&page(&made)).await.is(200);
    reader.get(&page(&made)).await.is(200);
    assert_eq!(shown(&village, &made).await["opens"], 1);
    assert_eq!(log(&village, &made).await, ["viewed", "downloaded", "opened"]);
    open(&app.nobody(), &made, json!({})).await.refusal(404, "link-unusable");
});

both_stacks!(of_thirty_openings_at_once_the_last_one_is_won_once, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, anyone(), "view", json!({ "max_opens": 1 }))).await;
    let nobody = app.nobody();
    let openings = (0..30).map(|_| open(&nobody, &made, json!({})));
    let answers = futures_util::future::join_all(openings).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    assert!(answers.iter().all(|answer| [200, 404].contains(&answer.status)));
    assert_eq!(shown(&village, &made).await["opens"], 1);
    assert_eq!(log(&village, &made).await.iter().filter(|line| *line == "opened").count(), 1);
});

both_stacks!(wrong_expired_revoked_and_unknown_answer_alike, async |app: &TestApp| {
    let (village, nobody) = (app.actor(Actor::Clerk), app.nobody());
    let document = letter(&village, "biasa").await;
    let fresh = || async { link(&village, &document, &terms(app, anyone(), "view", json!({ "max_opens": 1 }))).await };
    let mut answers = Vec::new();
    let made = fresh().await;
    answers.push(open(&nobody, &Handed { public: "0123456789abcdef".into(), ..made.clone() }, json!({})).await);
    answers.push(open(&nobody, &Handed { secret: "0".repeat(32), ..made.clone() }, json!({})).await);
    open(&nobody, &made, json!({})).await.is(200);
    answers.push(open(&nobody, &made, json!({})).await);
    let paused = fresh().await;
    village.patch(&format!("/api/v1/links/{}", paused.id), json!({ "paused": true })).await.is(200);
    answers.push(open(&nobody, &paused, json!({})).await);
    let revoked = fresh().await;
    village.delete(&format!("/api/v1/links/{}", revoked.id)).await.is(204);
    answers.push(open(&nobody, &revoked, json!({})).await);
    let later = json!({ "opens_from": at(app, DAY / 2) });
    let later = link(&village, &document, &terms(app, anyone(), "view", later)).await;
    answers.push(open(&nobody, &later, json!({})).await);
    let peeked = nobody.post(&format!("/api/v1/shared/{}/peek", later.public), json!({ "secret": later.secret })).await;
    answers.push(peeked);
    let expired = fresh().await;
    app.clock.advance(DAY);
    answers.push(open(&nobody, &expired, json!({})).await);
    let headers = answers[0].headers.clone();
    for name in ["cache-control", "referrer-policy", "x-robots-tag"] {
        assert!(headers.contains_key(name), "{name} is missing");
    }
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    let told: Vec<_> = answers.into_iter().map(told).collect();
    assert_eq!(told[0].1["type"], "/errors/link-unusable");
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:#?}");
});

both_stacks!(forwarded_addresses_count_only_from_configured_proxies, async |app: &TestApp| {
    let (village, nobody) = (app.actor(Actor::Clerk), app.nobody());
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, anyone(), "view", json!({}))).await;
    let mut waits = 0;
    for n in 0..20 {
        let body = json!({ "secret": "00000000000000000000000000000000" });
        let guess = nobody
            .request(Method::POST, &format!("/api/v1/shared/{}/open", made.public))
            .header("X-Forwarded-For", format!("198.51.{n}.7"))
            .json(&body);
        let answer = send(guess).await;
        waits += usize::from(answer.status == 429);
        if waits == 1 {
            let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
            assert!((1..=10).contains(&seconds), "{seconds}");
        }
    }
    assert_eq!(waits, 10, "a made-up header bought fresh guesses");
    // Nobody locked the link: its secret opens, from this very network.
    open(&nobody, &made, json!({})).await.is(200);
});

both_stacks!(a_link_shows_the_version_that_it_was_made_for_and_says_which, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let path = format!("/api/v1/documents/{document}");
    let before = village.get(&path).await.is(200).json();
    let made = link(&village, &document, &terms(app, anyone(), "download", json!({}))).await;
    let part = reqwest::multipart::Part::bytes(letter_pdf(&["Versi kedua"])).file_name("kedua.pdf");
    let form = reqwest::multipart::Form::new().part("file", part);
    send(village.request(Method::POST, &format!("{path}/versions")).multipart(form)).await.is(201);
    let opened = open(&app.nobody(), &made, json!({})).await.is(200);
    let told = opened.json()["document"].clone();
    assert_eq!((&told["version"], &told["fingerprint"]), (&before["version"], &before["fingerprint"]));
    assert_eq!(told["version_number"], 1);
    let content = holder(app, &opened).get(&content(&made)).await.is(200);
    assert_eq!(content.body.len() as i64, told["size"].as_i64().expect("a size"));
});

both_stacks!(the_trash_closes_a_link_and_restoring_opens_it_again, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, anyone(), "download", json!({}))).await;
    let reader = holder(app, &open(&app.nobody(), &made, json!({})).await.is(200));
    village.delete(&format!("/api/v1/documents/{document}")).await.is(204);
    open(&app.nobody(), &made, json!({})).await.refusal(404, "link-unusable");
    reader.get(&content(&made)).await.refusal(404, "link-unusable");
    village.post(&format!("/api/v1/documents/{document}/restore"), json!({})).await;
    open(&app.nobody(), &made, json!({})).await.is(200);
    reader.get(&content(&made)).await.is(200);
});

both_stacks!(an_opening_goes_on_for_twelve_hours_and_no_longer, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, anyone(), "download", json!({}))).await;
    let opened = open(&app.nobody(), &made, json!({})).await.is(200);
    assert_eq!(opened.json()["expires_in"], 3600);
    let mut reader = holder(app, &opened);
    for _ in 0..13 {
        app.clock.advance(Duration::from_secs(55 * 60));
        reader = holder(app, &reader.post(&format!("/api/v1/shared/{}/renew", made.public), json!({})).await.is(200));
    }
    app.clock.advance(Duration::from_secs(6 * 60));
    reader.get(&content(&made)).await.refusal(401, "grant-ended");
    assert_eq!(shown(&village, &made).await["opens"], 1);
});
