//! `/docs`: the OpenAPI document, to browse. It needs nothing from elsewhere.

use axum::http::{HeaderName, header};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

type Page = ([(HeaderName, &'static str); 3], &'static str);

const fn page(content_type: &'static str, text: &'static str) -> Page {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}

/// `GET /docs`
pub async fn docs() -> Page {
    page("text/html; charset=utf-8", include_str!("docs/index.html"))
}

/// The script of the page.
pub async fn script() -> Page {
    page("text/javascript; charset=utf-8", include_str!("docs/docs.js"))
}

/// The style of the page.
pub async fn style() -> Page {
    page("text/css; charset=utf-8", include_str!("docs/docs.css"))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn the_page_asks_nobody_else() {
        let nobody = World::new().nobody();
        for (path, content_type) in
            [("!/docs", "text/html"), ("!/docs/docs.js", "text/javascript"), ("!/docs/docs.css", "text/css")]
        {
            let answer = nobody.get(path).await;
            assert_eq!(answer.status, 200);
            assert!(answer.header("content-type").starts_with(content_type));
            assert!(answer.header("content-security-policy").contains("default-src 'none'"));
            assert!(!answer.text.contains("http://") && !answer.text.contains("https://"), "{path}");
        }
    }
}
