// The look of the report, that of a printed appendix: one column of serif text, hairlines, colour for ham and spam only.
// Ham and spam differ in more than colour, for those who see no colours.

export const style = `
:root{color-scheme:light dark;--paper:#fdfcf9;--ink:#1c1b19;--soft:#5f5c56;--hair:#d9d5cc;--rule:#1c1b19;--ham:#1b66a5;--spam:#b4430f;--wash:#f4f1ea}
@media (prefers-color-scheme:dark){:root{--paper:#16171a;--ink:#e9e6df;--soft:#a5a29b;--hair:#34363b;--rule:#8b8880;--ham:#74b3ea;--spam:#f39a5e;--wash:#1e2024}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:64rem;padding:3rem 1.5rem 5rem;background:var(--paper);color:var(--ink);font:1rem/1.55 Charter,"Bitstream Charter","Sitka Text",Cambria,Georgia,serif;font-variant-numeric:lining-nums tabular-nums}
h1{margin:0;font-size:1.9rem;font-weight:600;line-height:1.2;letter-spacing:-.01em}
h2{margin:4rem 0 .5rem;padding-top:.8rem;border-top:2px solid var(--rule);font-size:1.3rem;font-weight:600;line-height:1.3;overflow-wrap:anywhere}
h2 .number{margin-right:.5rem;color:var(--soft);font-weight:400}
h3{display:inline;margin:0;font-size:1.05rem;font-weight:600}
p{margin:.5rem 0 1rem}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:.15em}
.run{margin:.4rem 0 2.2rem;color:var(--soft)}
table{border-collapse:collapse;border-top:2px solid var(--rule);border-bottom:2px solid var(--rule);font-size:.82rem;line-height:1.4}
th,td{padding:.3rem .55rem;text-align:right;font-weight:400;white-space:nowrap;vertical-align:baseline}
thead th{border-bottom:1px solid var(--rule);color:var(--soft);font-style:italic}
th:first-child{padding-left:0;text-align:left}
td:last-child,th:last-child{padding-right:0}
tbody tr+tr>*{border-top:1px solid var(--hair)}
.caption{margin-bottom:.5rem;font-size:.85rem;color:var(--soft)}
.caption b,figcaption b{color:var(--ink);font-weight:600}
.wide{overflow-x:auto}
.summary{width:100%}
.summary tbody th{position:sticky;left:0;background:var(--paper);padding-right:.8rem}
.notes{margin:1rem 0 0;columns:2;column-gap:2.5rem;font-size:.8rem;line-height:1.45;color:var(--soft)}
.notes div{break-inside:avoid;margin-bottom:.15rem}
.notes dt,.notes dd{display:inline;margin:0}
.notes dt{color:var(--ink)}
.notes dt::after{content:": "}
.figures{display:grid;grid-template-columns:1fr 1fr;gap:2rem 2.5rem;margin:1.6rem 0 1.2rem}
figure{margin:0;min-width:0}
svg{display:block;width:100%;height:auto;font:10.5px/1 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
figcaption{margin-top:.5rem;font-size:.82rem;line-height:1.45;color:var(--soft)}
.missing{align-self:center;margin:0;padding:1.5rem;border:1px solid var(--hair);color:var(--soft);font-style:italic}
text{fill:var(--soft)}
text.name{fill:var(--ink)}
text.mid{text-anchor:middle}
text.end{text-anchor:end}
.grid{stroke:var(--hair);stroke-width:.75}
.axis{stroke:var(--rule);stroke-width:1}
.mark{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
.interval{stroke:var(--ink);stroke-width:1}
.curve{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}
.curve.ink{stroke:var(--ink)}
.curve.ham{stroke:var(--ham)}
.curve.spam{stroke:var(--spam)}
.curve.thin{stroke-width:1}
.curve.dashed{stroke-dasharray:5 4;stroke-linecap:butt}
circle.solid{fill:var(--ink)}
circle.ring{fill:none;stroke:var(--ink);stroke-width:1.5}
rect.ham{fill:var(--ham)}
rect.spam{fill:var(--spam);fill-opacity:.3;stroke:var(--spam);stroke-width:1}
details{margin:1.6rem 0}
summary{cursor:pointer}
summary span,.bins summary{color:var(--soft);font-size:.9rem}
.bins table{margin-top:.6rem}
.mistakes{margin:.8rem 0 0;padding:0;list-style:none;border-top:1px solid var(--rule)}
.mistakes>li{padding:.9rem 0 1.1rem;border-bottom:1px solid var(--hair);break-inside:avoid}
.verdict{margin:0;font-size:.88rem;color:var(--soft);overflow-wrap:anywhere}
.verdict b{color:var(--ink)}
b.ham,td.ham{color:var(--ham)}
b.spam,td.spam{color:var(--spam)}
.verdict b.ham{color:var(--ham)}
.verdict b.spam{color:var(--spam)}
cite{color:var(--ink);font-style:normal;unicode-bidi:isolate}
.meter{display:inline-block;width:4.5rem;height:.5rem;margin:0 .35rem;border:1px solid var(--soft)}
.meter i{display:block;height:100%;background:var(--soft)}
.id{float:right;padding-left:1rem;font-size:.78rem}
blockquote{margin:.5rem 0 .7rem;padding:.55rem .9rem;border-left:3px solid var(--hair);background:var(--wash);overflow:hidden;overflow-wrap:anywhere}
.why{display:grid;grid-template-columns:minmax(0,1fr) 19rem;gap:.5rem 2.5rem;align-items:start;font-size:.85rem;line-height:1.45}
.why ul{margin:0;padding-left:1.1rem;overflow-wrap:anywhere}
.why table{width:100%;font-size:.76rem;border-width:1px;line-height:1.3}
.why th,.why td{padding-top:.12rem;padding-bottom:.12rem}
.why tbody th{white-space:normal;overflow-wrap:anywhere}
.why tr+tr>*{border-top:0}
.why td:nth-child(2),.why th:nth-child(2){text-align:left;color:var(--soft)}
[dir]{unicode-bidi:isolate}
@media (max-width:44rem){body{padding:1.5rem 1rem 3rem}h1{font-size:1.55rem}h2{margin-top:3rem}.figures,.why{grid-template-columns:minmax(0,1fr)}.notes{columns:1}.id{float:none;display:block;padding:0}}
@media print{body{padding:0}details:not([open]){display:none}}
`;
