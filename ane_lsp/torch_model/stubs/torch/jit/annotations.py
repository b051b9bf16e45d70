from typing import Any, Dict, List, Optional, Tuple, Union

BroadcastingList1 = Any
BroadcastingList2 = Any
BroadcastingList3 = Any
