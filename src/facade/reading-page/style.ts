/** The page's look. System fonts, and colours that keep a contrast of 4.5:1 and more, light and dark. */
export const STYLE = `
:root{--text:#1c2330;--soft:#5b6577;--line:#e1e5ec;--page:#fdfdfc;--panel:#f4f6f9;--accent:#2357c5;--code:#f0f2f6;
--get:#1f6f43;--post:#2357c5;--put:#8a5a00;--patch:#8a5a00;--delete:#b3261e;--good:#1f6f43;--bad:#a03a2e}
@media (prefers-color-scheme:dark){:root{--text:#e3e7ee;--soft:#9aa5b8;--line:#2a3140;--page:#12161d;--panel:#181d26;--accent:#8ab4ff;--code:#1f2530;
--get:#7dd3a0;--post:#8ab4ff;--put:#e6b450;--patch:#e6b450;--delete:#ff8a80;--good:#7dd3a0;--bad:#ff9a8d}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1.5rem}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;display:grid;grid-template-columns:21rem minmax(0,1fr);color:var(--text);background:var(--page);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
code,pre,.method,.status,.path,var{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{font-size:.875em}p>code,dd>code{background:var(--code);border-radius:4px;padding:.1em .3em}.call>code{background:none;padding:0}
var{font-style:normal;color:var(--accent)}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--page);padding:.5rem 1rem;z-index:1}
nav{position:sticky;top:0;height:100vh;overflow-y:auto;padding:1.75rem 1rem 3rem 1.5rem;background:var(--panel);border-right:1px solid var(--line);font-size:.84rem;line-height:1.4}
nav h2{font-size:.72rem;letter-spacing:.08em;text-transform:uppercase;margin:1.6rem 0 .4rem;font-weight:600}nav h2 a{color:var(--soft)}
nav ul{list-style:none;margin:0;padding:0}nav li a{display:flex;gap:.55rem;align-items:baseline;padding:.22rem .4rem;border-radius:5px;color:var(--text)}
nav li a:hover{background:var(--line);text-decoration:none}nav .path{overflow-wrap:break-word;min-width:0;font-size:.78rem}nav .method{width:3.2rem;text-align:right;font-size:.66rem;flex:none}
.brand{font-size:1.05rem;font-weight:650;margin:0}.brand a{color:inherit}.version{color:var(--soft);font-weight:400;font-size:.8rem}
main{padding:3rem clamp(1.25rem,5vw,4.5rem) 8rem;max-width:62rem;min-width:0}
h1{font-size:2.3rem;line-height:1.15;margin:0;letter-spacing:-.02em}.lead{font-size:1.2rem;color:var(--soft);margin:.4rem 0 2rem}
main h2{font-size:1.55rem;letter-spacing:-.01em;margin:4.5rem 0 .25rem}main h3{font-size:1.12rem;margin:0 0 .35rem}
h4{font-size:.75rem;letter-spacing:.07em;text-transform:uppercase;color:var(--soft);margin:1.5rem 0 .4rem}
p{margin:.5rem 0}.anchor{color:inherit}.anchor:hover{text-decoration:none}.anchor:hover::after{content:" #";color:var(--soft)}
.operation{border-top:1px solid var(--line);padding:2rem 0 1.25rem;margin-top:1.5rem}
.operation:target>h3{color:var(--accent)}
.call{display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap;margin:0 0 .75rem}.call code{font-size:1rem;overflow-wrap:anywhere}
.method{font-weight:700;font-size:.78rem;text-transform:uppercase;color:var(--soft)}
.get{color:var(--get)}.post{color:var(--post)}.put{color:var(--put)}.patch{color:var(--patch)}.delete{color:var(--delete)}
.upgrade,.place,.optional{font-size:.72rem;color:var(--soft)}.upgrade{border:1px solid var(--line);border-radius:99px;padding:.05rem .55rem}
.access,.media{font-size:.87rem;color:var(--soft)}
.fields{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
.fields>li{display:grid;grid-template-columns:13rem minmax(0,1fr);gap:.25rem 1rem;padding:.5rem 0;border-bottom:1px solid var(--line)}
.fields .fields{margin-top:.5rem;border-top:1px dashed var(--line)}.fields .fields>li{grid-template-columns:10rem minmax(0,1fr);border-bottom-style:dashed}.fields .fields>li:last-child{border-bottom:0}
.name{overflow-wrap:anywhere;display:flex;flex-wrap:wrap;gap:0 .5rem;align-items:baseline;align-content:start}.what{font-size:.92rem;min-width:0}.what p{margin:.15rem 0 0;color:var(--soft)}
.type{font-size:.84rem;color:var(--soft)}.type a{color:var(--accent)}.limit{font-size:.8rem;color:var(--soft);margin-left:.35rem}
.choice,.pattern{background:var(--code);border-radius:4px;padding:.05em .35em}.choice{white-space:nowrap}.pattern{margin-left:.35rem;overflow-wrap:anywhere}
.answers{display:grid;grid-template-columns:3.5rem minmax(0,1fr);gap:.35rem 1rem;margin:0}.answers dd>.fields{margin:.4rem 0 .6rem}.answers dd{margin:0;font-size:.92rem;min-width:0}
.status{font-weight:700;font-size:.85rem}.good{color:var(--good)}.bad{color:var(--bad)}
details{margin-top:1.25rem}summary{cursor:pointer;font-size:.87rem;color:var(--accent);width:max-content}
pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.9rem 1.1rem;overflow-x:auto;font-size:.84rem;line-height:1.5;margin:.6rem 0}pre code{font-size:inherit}
@media (max-width:60rem){body{grid-template-columns:minmax(0,1fr)}nav{position:static;height:auto;max-height:45vh;border-right:0;border-bottom:1px solid var(--line)}
.fields>li,.fields .fields>li{grid-template-columns:minmax(0,1fr)}main{padding-top:2rem}}
@media print{nav{display:none}body{display:block}details{display:block}}
`;
